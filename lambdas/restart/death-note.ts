/** What a death may have in common with others: where it ran, what it ran, and who said so. */
import type { Death } from '../../core/deaths.ts';
import type { RestartView } from '../../core/restart.ts';
import type { RestartPorts } from './finish.ts';

/** The tag that names what a workspace runs; the first one that is there. */
const versionTags = ['defib:version', 'version', 'Version'] as const;

/** Read once a death, when it is noted. Whatever cannot be found out is left out: it opens and closes nothing. */
export async function noteOf(
  ports: Pick<RestartPorts, 'ec2' | 'receipts' | 'log'>,
  { workspace, claim }: Pick<RestartView, 'workspace' | 'claim'>,
): Promise<Omit<Death, 'workspaceId' | 'atMs'>> {
  const [looks, receipt] = await Promise.all([
    ports.ec2.look([claim.instanceId]),
    ports.receipts.read(workspace.workspaceId, claim.token).catch((error: unknown) => {
      ports.log.error('receipt not read', { workspaceId: workspace.workspaceId }, error);
      return undefined;
    }),
  ]);
  const look = looks.get(claim.instanceId);
  const { availabilityZone: zone, imageId: image } = look?.make ?? {};
  const version = versionTags.map((name) => look?.tags[name]).find((value) => value !== undefined);
  return {
    ...(claim.kind === 'silent' && { isSilent: true }),
    ...(zone !== undefined && { zone }),
    ...(image !== undefined && { image }),
    ...(version !== undefined && { version }),
    ...(receipt && { reporter: receipt.askedBy }),
  };
}
