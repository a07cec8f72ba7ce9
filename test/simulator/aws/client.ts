/** What all simulated services have in common: commands that are carried out at once. */

export interface Simulated<Client> {
  /** For the adapters: its `send` has done its work when it returns. */
  readonly client: Client;
  /** Carries out a command at once; gives its output or throws its error. */
  run(command: object): object;
}

/** A stand-in for an SDK client, of which the adapters use `send` alone. */
export function simulated<Client>(run: (command: object) => object): Simulated<Client> {
  const send = (command: object): Promise<object> => {
    try {
      return Promise.resolve(run(command));
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
  };
  return { client: { send } as Client, run };
}

/** Refuses fields that a simulated call does not take. */
export function checkNoMore(rest: object): void {
  const more = Object.entries(rest).filter(([, value]) => value !== undefined);
  if (more.length > 0) throw new Error(`not understood: ${more.map(([name]) => name).join(', ')}`);
}
