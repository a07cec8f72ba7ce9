/**
 * The incident that Defib is for. An agent's process is restarted by a change that nobody announced, in the middle of
 * a turn; the instance runs on. The forward breaks, the one probe that is made happens to be wrong and says `stopped`.
 * A heartbeat of a moment ago outranks it.
 */
import { readServed } from '../agent-log.ts';
import type { Receipt } from '../defib.ts';
import type { Findings } from '../findings.ts';
import type { Stage, Story } from '../story.ts';

/** Between the heartbeat and the crash. */
const beatAgeSeconds = 0.7;
const turnSeconds = 5;
const downSeconds = 3;

export const incident2929: Story = {
  name: 'incident-2929',
  about: 'an agent is restarted by a change that nobody announced, and the probe is wrong',
  streamEveryMs: 1500,

  async play(stage: Stage, findings: Findings) {
    const { member } = stage;
    const { ec2, traffic, defib } = stage.parts;
    await stage.settled();
    await traffic.hold(member.workspaceId);

    const turn = traffic.send(member, turnSeconds * 1000);
    await stage.until('a heartbeat during the turn', 15, () => member.lastBeat?.activeTasks === 1);
    await stage.sleep(beatAgeSeconds);
    const looksBefore = ec2.looksAt(member.instanceId);
    ec2.pretend(member.instanceId, ['stopped']);
    stage.say('kills the process in the middle of a turn; the next probe will wrongly say stopped');
    await member.agent.kill();

    const request = await turn;
    const looks = ec2.looksAt(member.instanceId) - looksBefore;
    const answer = request.answer;
    findings.expect(
      'busy, heartbeat-fresh',
      answer?.verdict === 'busy' && answer.reason === 'heartbeat-fresh',
      `${answer?.verdict ?? 'no verdict'}, ${answer?.reason ?? 'no reason'}`,
    );
    findings.expect('after exactly one probe', looks === 1, `${looks} probes`);
    findings.expect('which was wrong', !ec2.isPretending(member.instanceId), 'a probe that told the truth');
    findings.expect('the request parked', answer?.status === 202, `status ${answer?.status ?? 'none'}`);
    if (answer?.verdictId !== undefined) {
      tellBeatAge(stage, await defib.receipt(member.workspaceId, answer.verdictId));
    }

    traffic.resume(member.workspaceId);
    await stage.sleep(downSeconds);
    stage.say('the process comes back, by itself');
    member.agent.start();
    await stage.ended([request]);
    const served = readServed(member.logFile).filter(({ key }) => key === request.id);
    findings.expect(
      'delivered to the new boot with the same bytes',
      request.end?.state === 'delivered' && served.some(({ sha256 }) => sha256 === request.sha256),
      `${request.end?.state ?? 'no end'}, served ${served.length} times`,
    );
    stage.expectNoRestart(findings);
  },
};

/** The receipt says how old the heartbeat was when it outranked the probe. */
function tellBeatAge(stage: Stage, { looks }: Receipt): void {
  const facts = looks[0]?.facts;
  if (!facts || typeof facts.workspace === 'string' || !facts.workspace.heartbeat) return;
  const ageSeconds = (facts.now.earliestMs - facts.workspace.heartbeat.atMs) / 1000;
  stage.say(
    `the receipt: probe ${facts.probe.state ?? facts.probe.kind}, heartbeat ${ageSeconds.toFixed(1)} s old`,
  );
}
