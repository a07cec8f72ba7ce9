/**
 * A connection breaks while the agent has been silent for long enough to be suspect, and the probe is wrong as well.
 * The second look, two seconds later, sees the truth: nobody is dead.
 */
import type { Findings } from '../findings.ts';
import type { Stage, Story } from '../story.ts';

/** The second look is at least the re-probe delay later; less the resolution of two clocks. */
const leastSecondsBetweenLooks = 1.9;

export const transportFlake: Story = {
  name: 'transport-flake',
  about: 'a silent agent, one broken connection, and one wrong probe',
  streamEveryMs: 1500,

  async play(stage: Stage, findings: Findings) {
    const { member } = stage;
    const { ec2, traffic, followUp } = stage.parts;
    await stage.settled();
    await stage.silence();
    await traffic.hold(member.workspaceId);
    const looksBefore = ec2.looksAt(member.instanceId);
    ec2.pretend(member.instanceId, ['stopped']);
    member.agent.order({ order: 'break', connections: 1 });
    stage.say('breaks one connection; one probe will wrongly say stopped');

    const request = await traffic.send(member);
    const { answer } = request;
    findings.expect(
      'suspect at first',
      answer?.verdict === 'pending',
      `${answer?.verdict ?? 'no verdict'}, ${answer?.reason ?? 'no reason'}`,
    );
    const receipt = await followUp.finalVerdict(member.workspaceId, answer?.verdictId ?? '');
    const looks = ec2.looksAt(member.instanceId) - looksBefore;
    findings.expect('alive in the end', receipt.verdict === 'alive', `${receipt.verdict}, ${receipt.reason}`);
    findings.expect('two probes', looks === 2 && receipt.looks.length === 2, `${looks} probes`);
    const [first, second] = receipt.looks.map((look) => look.facts.now.latestMs);
    const apartSeconds = ((second ?? 0) - (first ?? 0)) / 1000;
    findings.expect(
      'two seconds apart',
      apartSeconds >= leastSecondsBetweenLooks,
      `${apartSeconds.toFixed(1)} s`,
    );
    await stage.ended([request]);
    findings.expect(
      'the caller told to try again',
      request.end?.state === 'refused' && request.end.why === 'agent-restarting',
      `${request.end?.state ?? 'no end'}, ${request.end?.why ?? 'no reason'}`,
    );
    stage.expectNoRestart(findings);

    stage.say('the agent beats again');
    member.agent.order({ order: 'beat', on: true });
    traffic.resume(member.workspaceId);
  },
};
