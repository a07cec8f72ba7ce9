/** What the user of the construct said can't be; the message says what was expected, and what came. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
}
