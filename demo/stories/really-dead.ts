/**
 * Somebody stops an instance. While its last heartbeat still counts, Defib waits; then two looks agree, and it starts
 * the instance again: once, with no Stop. Who asked meanwhile was told so, and what was parked is delivered.
 */
import type { Receipt } from '../defib.ts';
import type { Findings } from '../findings.ts';
import type { SentRequest } from '../requests.ts';
import type { Stage, Story } from '../story.ts';

const verdictPatienceSeconds = 60;
const restartPatienceSeconds = 60;

export const reallyDead: Story = {
  name: 'really-dead',
  about: 'an instance is stopped from outside',
  // So that at least two report within the two seconds between the looks: one that waits, one that does not.
  streamEveryMs: 900,

  async play(stage: Stage, findings: Findings) {
    const { member } = stage;
    const { ec2, traffic, proxy, defib, followUp } = stage.parts;
    await stage.settled();
    const bootBefore = member.lastBeat?.bootId;
    const alreadySent = traffic.sentTo(member.workspaceId).length;
    const failed = (): SentRequest[] =>
      traffic
        .sentTo(member.workspaceId)
        .slice(alreadySent)
        .filter(({ error }) => error !== undefined);
    // Every second caller wants to know at once, the others read the verdict.
    proxy.waitEverySecondTime(member.workspaceId);
    stage.say('stops the instance');
    await ec2.stop(member.instanceId);

    const told = await stage.until('a caller to be told of the death', verdictPatienceSeconds, () =>
      failed().find(({ answer }) => answer?.verdict === 'dead'),
    );
    findings.expect(
      'a caller told 503, restarting',
      told.answer?.status === 503 && told.answer.restarting === true,
      `${told.answer?.status ?? 'nothing'}, restarting ${told.answer?.restarting ?? 'unsaid'}`,
    );
    proxy.waitNoMore(member.workspaceId);
    const receipt = await followUp.finalVerdict(member.workspaceId, told.answer?.verdictId ?? '');
    findings.expect(
      'dead by two looks that saw it stopped',
      receipt.verdict === 'dead' && receipt.looks.length >= 2 && statesOf(receipt).join() === 'stopped',
      `${receipt.verdict} after ${receipt.looks.length} looks: ${statesOf(receipt).join()}`,
    );

    await stage.until('the heartbeat of a new boot', restartPatienceSeconds, () => {
      const boot = member.lastBeat?.bootId;
      return boot !== undefined && boot !== bootBefore;
    });
    await stage.until(
      'the restart to be closed',
      restartPatienceSeconds,
      async () => (await defib.workspace(member.workspaceId)).claim === null,
      1000,
    );
    const { starts, stops } = stage.powerCalls;
    findings.expect('one Start and no Stop', starts === 1 && stops === 0, `${starts} Starts, ${stops} Stops`);

    const readers = failed().filter(
      ({ answer }) => answer?.verdict === 'pending' && answer.verdictId === receipt.verdictId,
    );
    await stage.ended(readers);
    const readDead = readers.filter(({ end }) => end?.state === 'refused' && end.why === 'dead').length;
    findings.expect(
      `the same read by ${readers.length} who did not wait`,
      readDead === readers.length,
      `${readDead} of ${readers.length}`,
    );
    const parked = failed().filter(({ answer }) => answer?.status === 202);
    await stage.ended(parked);
    const promised = parked.filter(({ answer }) => answer?.verdict === 'busy');
    const delivered = promised.filter(({ end }) => end?.state === 'delivered').length;
    findings.expect(
      `all ${promised.length} that were parked delivered`,
      delivered === promised.length && promised.length > 0,
      `${delivered} of ${promised.length}`,
    );
    const later = await traffic.send(member);
    findings.expect('a later request answered', later.answeredStatus === 200, later.error?.kind ?? 'nothing');
  },
};

function statesOf({ looks }: Receipt): string[] {
  return [...new Set(looks.map(({ facts }) => facts.probe.state ?? facts.probe.kind))];
}
