/**
 * An agent thinks for half a minute and beats meanwhile. Forwards run into their deadline, and every probe says
 * `stopped`. The heartbeat outranks them all, however often it is seen; the requests wait, and are delivered.
 */
import type { Findings } from '../findings.ts';
import type { Stage, Story } from '../story.ts';

const turnSeconds = 35;
/** Before the turn ends the probes tell the truth again, so that the deliveries find the instance. */
const falseSeconds = 30;
const fewestVerdicts = 8;

export const longTurn: Story = {
  name: 'long-turn',
  about: 'an agent in a long turn beats, answers nobody, and every probe is wrong',
  streamEveryMs: 2000,

  async play(stage: Stage, findings: Findings) {
    const { member } = stage;
    const { ec2, traffic, timeline } = stage.parts;
    await stage.settled();
    await traffic.hold(member.workspaceId);
    ec2.pretend(member.instanceId, 'stopped');
    stage.say(
      `a turn of ${turnSeconds} s begins; for ${falseSeconds} s every probe will wrongly say stopped`,
    );
    const alreadySent = traffic.sentTo(member.workspaceId).length;
    const turn = traffic.send(member, turnSeconds * 1000);
    await stage.until('a heartbeat during the turn', 15, () => member.lastBeat?.activeTasks === 1);
    traffic.resume(member.workspaceId);
    await stage.sleep(falseSeconds);

    // A report that is under way is judged with the last false probe.
    await traffic.hold(member.workspaceId);
    ec2.pretend(member.instanceId, 'truth');
    await turn;
    const failed = traffic
      .sentTo(member.workspaceId)
      .slice(alreadySent)
      .filter(({ error }) => error);
    const others = failed.filter(
      ({ answer }) => answer?.verdict !== 'busy' || answer.reason !== 'heartbeat-fresh',
    );
    findings.expect(
      `all ${failed.length} verdicts busy, heartbeat-fresh`,
      failed.length >= fewestVerdicts && others.length === 0,
      others.length === 0
        ? `only ${failed.length} verdicts`
        : `${others.length} of ${failed.length} others, first ${others[0]?.answer?.verdict ?? 'no verdict'}, ` +
            (others[0]?.answer?.reason ?? others[0]?.unanswered ?? 'no reason'),
    );
    const notDeadlines = failed.filter(({ error }) => error?.kind !== 'deadline');
    findings.expect('every forward ran into its deadline', notDeadlines.length === 0, notDeadlines.length);
    stage.expectNoRestart(findings);

    traffic.resume(member.workspaceId);
    timeline.say({
      workspaceId: member.workspaceId,
      kind: 'story',
      text: `waits for the end of the turn, and for ${failed.length} parked requests`,
    });
    await stage.ended(failed);
    const delivered = failed.filter(({ end }) => end?.state === 'delivered').length;
    findings.expect(
      `all ${failed.length} parked requests delivered`,
      delivered === failed.length,
      `${delivered} of ${failed.length}`,
    );
  },
};
