"""Starts MiniStack, the local AWS, with cures for what Defib needs and MiniStack 1.5.33 lacks.

Run by local/emulator.ts with the environment that it sets, in a process group of its own. Standard input is the
lifeline: it is a pipe from the parent that nobody writes to, so its end means that the parent is gone.
"""

import os
import shutil
import signal
import sys
import threading

from ministack import app
from ministack.core import lambda_runtime, responses
from ministack.services import ec2, eventbridge, lambda_svc, tagging


def die_with_the_parent():
    """Ends this process and its Lambda workers when the parent dies, even by kill -9.

    The workers are ours by process group; without this they and the port would outlive an interrupted session.
    """

    def wait_for_the_end():
        while sys.stdin.buffer.read(1024):
            pass
        shutil.rmtree(os.environ["TMPDIR"], ignore_errors=True)
        # The group is ours alone only when we lead it; else end just this process.
        if os.getpgrp() == os.getpid():
            os.killpg(os.getpgrp(), signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=wait_for_the_end, daemon=True, name="lifeline").start()


def know_instance_tags():
    """Lets IAM conditions on aws:ResourceTag see the tags of EC2 instances.

    MiniStack asks a collector for each service, and has none for EC2: a policy that allows only tagged
    instances would refuse them all.
    """

    def collect():
        account, region = responses.get_account_id(), responses.get_region()
        for resource_id, tags in ec2._tags.items():
            if resource_id.startswith("i-"):
                yield f"arn:aws:ec2:{region}:{account}:instance/{resource_id}", tags

    tagging._RESOURCE_TAG_COLLECTORS["ec2"] = collect


def run_message_groups_side_by_side():
    """Lets a FIFO queue's event source run as many invocations as AWS would.

    MiniStack holds them to one, because a batch may span groups. With batches of one message that reason is
    gone: a receive skips groups that have a message in flight, so a group keeps its order whatever the limit.
    """
    limit_of = lambda_svc._sqs_esm_concurrency

    def concurrency(esm, func_rec, config, queue=None):
        if (queue or {}).get("is_fifo") and int(esm.get("BatchSize") or 10) == 1:
            queue = {**queue, "is_fifo": False}
        return limit_of(esm, func_rec, config, queue)

    lambda_svc._sqs_esm_concurrency = concurrency


def answer_dry_runs():
    """Makes DryRun ask instead of do. It runs after IAM has said yes, so the answer is DryRunOperation."""

    def asked_first(handler):
        def handle(params):
            if str(ec2._p(params, "DryRun")).lower() == "true":
                message = "Request would have succeeded, but DryRun flag is set."
                return ec2._error("DryRunOperation", message, 412)
            return handler(params)

        return handle

    for action in ("RunInstances", "StartInstances", "StopInstances", "TerminateInstances"):
        ec2._ACTION_MAP[action] = asked_first(ec2._ACTION_MAP[action])


def leave_states_to_the_proxy():
    """Stops MiniStack from filtering by instance state.

    The lifecycle proxy in front decides what state an instance shows, and filters by that. MiniStack knows no
    `pending` or `stopping`, so its own filter would hide instances that the proxy should show.
    """
    matches = ec2._matches_filters

    def matches_but_for_state(inst, filters):
        return matches(inst, {name: values for name, values in filters.items() if name != "instance-state-name"})

    describe_status = ec2._ACTION_MAP["DescribeInstanceStatus"]

    def describe_all(params):
        return describe_status({**params, "IncludeAllInstances": ["true"]})

    ec2._matches_filters = matches_but_for_state
    ec2._ACTION_MAP["DescribeInstanceStatus"] = describe_all


def take_ec2_events():
    """Lets the lifecycle proxy publish EC2's own events: PutEvents refuses sources that begin with `aws.`."""
    put_events = eventbridge._put_events

    def put(data, allow_aws_source=False):
        from_ec2 = all(entry.get("Source") == "aws.ec2" for entry in data.get("Entries", []))
        return put_events(data, allow_aws_source or from_ec2)

    eventbridge._put_events = put


def replace_workers_that_died_idle():
    """Gives an event to a fresh worker when the one it was meant for had died before.

    Lambda finds that a sandbox is gone and takes another one. MiniStack fails the invocation, and a message would
    wait for its whole visibility though no code has seen it. A worker that dies with the event fails it here too.
    """
    invoke = lambda_runtime.Worker.invoke

    def invoke_on_a_living_one(self, *args, **kwargs):
        response = invoke(self, *args, **kwargs)
        was_never_handed_over = response.get("status") == "error" and "Broken pipe" in str(response.get("error"))
        return invoke(self, *args, **kwargs) if was_never_handed_over else response

    lambda_runtime.Worker.invoke = invoke_on_a_living_one


if __name__ == "__main__":
    die_with_the_parent()
    know_instance_tags()
    run_message_groups_side_by_side()
    answer_dry_runs()
    leave_states_to_the_proxy()
    take_ec2_events()
    replace_workers_that_died_idle()
    app.main()
