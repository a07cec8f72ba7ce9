/** EC2's own event, as EventBridge hands it on. Fields that are not read may be there: EC2 adds some at times. */
import * as z from 'zod/mini';
import { instanceId } from './api.ts';

export const instanceChange = z.object({
  source: z.literal('aws.ec2'),
  'detail-type': z.literal('EC2 Instance State-change Notification'),
  time: z.iso.datetime({ offset: true }),
  detail: z.object({ 'instance-id': instanceId, state: z.enum(['pending', 'running']) }),
});
