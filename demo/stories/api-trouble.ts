/**
 * EC2 itself has a bad quarter of an hour, here a quarter of a minute: every call fails, then every call is throttled,
 * while connections break in the whole fleet and one agent is silent. Not knowing is never evidence: nobody is
 * restarted, and what was parked is delivered.
 */
import type { Findings } from '../findings.ts';
import { isAnswered, type SentRequest } from '../requests.ts';
import type { Stage, Story } from '../story.ts';

const phaseSeconds = 8;
/** More than its callers can use up. */
const everyConnection = 1_000_000;

export const apiTrouble: Story = {
  name: 'api-trouble',
  about: 'EC2 fails and throttles every call while connections break',
  streamEveryMs: 1500,
  afterTheOthers: true,

  async play(stage: Stage, findings: Findings) {
    const { member } = stage;
    const { ec2, traffic, fleet } = stage.parts;
    const others = fleet.filter((it) => it !== member);
    const startsBefore = fleet.map(({ instanceId }) => ec2.callsOfDefib(instanceId));
    await stage.silence();
    const sentBefore = traffic.sent.length;
    member.agent.order({ order: 'break', connections: everyConnection });

    try {
      stage.say(
        `EC2 fails every call for ${phaseSeconds} s; this agent breaks every connection, the others one`,
      );
      ec2.trouble('fail');
      for (const { agent } of others) agent.order({ order: 'break', connections: 1 });
      await stage.sleep(phaseSeconds);
      stage.say(`EC2 throttles every call for ${phaseSeconds} s; the same again`);
      ec2.trouble('throttle');
      for (const { agent } of others) agent.order({ order: 'break', connections: 1 });
      await stage.sleep(phaseSeconds);
    } finally {
      ec2.trouble('none');
      for (const { agent } of [member, ...others]) agent.order({ order: 'break', connections: 0 });
    }
    stage.say('EC2 is well again, the connections too');

    // The last forwards of that time are still on their way to their reports.
    const sent = traffic.sent.slice(sentBefore);
    await stage.until('every caller to be answered', 30, () => sent.every(isAnswered));
    const failed = sent.filter(({ error }) => error !== undefined);
    const verdicts = await Promise.all(failed.map((request) => finalVerdictOf(request, stage)));
    const count = (verdict: string): number => verdicts.filter((it) => it === verdict).length;
    const [busy, alive] = [count('busy'), count('alive')];
    findings.expect(
      `${busy} busy and ${alive} alive verdicts`,
      failed.length > 0 && busy + alive === failed.length,
      verdicts.join(),
    );
    const because = (reason: string): number =>
      failed.filter(({ answer }) => answer?.reason === reason).length;
    findings.expect('probes that failed', because('probe-inconclusive') > 0, 'none');
    findings.expect('probes that were throttled', because('probe-queued') > 0, 'none');
    const workspaces = new Set(failed.map(({ workspaceId }) => workspaceId)).size;
    findings.expect(
      'in the whole fleet',
      workspaces === fleet.length,
      `in ${workspaces} of ${fleet.length} workspaces`,
    );
    const restarted = fleet.filter(({ instanceId }, index) => {
      const { starts, stops } = ec2.callsOfDefib(instanceId);
      return starts !== startsBefore[index]?.starts || stops !== startsBefore[index].stops;
    });
    findings.expect(
      'nobody restarted',
      restarted.length === 0,
      restarted.map(({ workspaceId }) => workspaceId).join(),
    );

    stage.say('the agent beats again');
    member.agent.order({ order: 'beat', on: true });
    await stage.ended(failed);
    const lost = failed.filter(({ end }) => end && end.state !== 'delivered' && end.state !== 'refused');
    findings.expect('every parked request delivered, or its caller told', lost.length === 0, lost.length);
  },
};

async function finalVerdictOf({ answer, workspaceId }: SentRequest, stage: Stage): Promise<string> {
  if (answer?.verdict !== 'pending') return answer?.verdict ?? 'none';
  const { followUp } = stage.parts;
  return (await followUp.finalVerdict(workspaceId, answer.verdictId ?? '')).verdict;
}
