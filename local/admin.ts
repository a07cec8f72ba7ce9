/** Who the project's own tools are on the local AWS: its root, with the well-known test credentials. */

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export const adminCredentials: Credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
export const localRegion = 'us-east-1';
