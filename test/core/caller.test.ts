import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { callerOf } from '../../core/caller.ts';

/** Not `unit: 'binary'`: its table of all characters takes longer to make than the rest of the file to run. */
const anyText = fc
  .array(fc.nat({ max: 0x10_ff_ff }))
  .map((codePoints) => String.fromCodePoint(...codePoints));

describe('a caller by its ARN', () => {
  it('a role session - its role, and the session that tells instances apart', () => {
    expect(callerOf('arn:aws:sts::123456789012:assumed-role/agent/i-0abc')).toEqual({
      principal: 'role/agent',
      roleName: 'agent',
      session: 'i-0abc',
    });
  });

  it.each(['aws-cn', 'aws-us-gov', 'aws-iso-b'])('a role session in partition %s - the same', (partition) => {
    expect(callerOf(`arn:${partition}:sts::123456789012:assumed-role/agent/i-0abc`)?.roleName).toBe('agent');
  });

  it('every character that IAM allows in names - kept as it is', () => {
    const name = 'Az09_+=,.@-';
    expect(callerOf(`arn:aws:sts::123456789012:assumed-role/${name}/${name}`)).toEqual({
      principal: `role/${name}`,
      roleName: name,
      session: name,
    });
  });

  it('a user, with or without a path - the user', () => {
    expect(callerOf('arn:aws:iam::123456789012:user/ada')).toEqual({ principal: 'user/ada' });
    expect(callerOf('arn:aws:iam::123456789012:user/team/a/ada')).toEqual({ principal: 'user/team/a/ada' });
  });

  it("the account's root - root", () => {
    expect(callerOf('arn:aws:iam::123456789012:root')).toEqual({ principal: 'root' });
  });

  it('two sessions of one role - one principal: a caller is its role', () => {
    const [one, other] = ['i-1', 'i-2'].map((id) =>
      callerOf(`arn:aws:sts::123456789012:assumed-role/proxy/${id}`),
    );
    expect(one?.principal).toBe(other?.principal);
  });

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a number', 42],
    ['an empty text', ''],
    ['a list', ['arn:aws:iam::123456789012:root']],
    ['a role itself, which cannot call', 'arn:aws:iam::123456789012:role/agent'],
    ['a federated user', 'arn:aws:sts::123456789012:federated-user/ada'],
    ['a session without a name', 'arn:aws:sts::123456789012:assumed-role/agent/'],
    ['a session without a role', 'arn:aws:sts::123456789012:assumed-role//i-0abc'],
    ['one part too many', 'arn:aws:sts::123456789012:assumed-role/agent/i-0abc/x'],
    ['an account of eleven digits', 'arn:aws:sts::12345678901:assumed-role/agent/i-0abc'],
    ['an account of thirteen digits', 'arn:aws:sts::1234567890123:assumed-role/agent/i-0abc'],
    ['an account of letters', 'arn:aws:sts::12345678901x:assumed-role/agent/i-0abc'],
    ['another service', 'arn:aws:iam::123456789012:assumed-role/agent/i-0abc'],
    ['a user of another service', 'arn:aws:sts::123456789012:user/ada'],
    ['something before it', 'x arn:aws:iam::123456789012:root'],
    ['something after it', 'arn:aws:iam::123456789012:root2'],
    ['something before a session', ' arn:aws:sts::123456789012:assumed-role/agent/i-0abc'],
    ['a line break after it', 'arn:aws:sts::123456789012:assumed-role/agent/i-0abc\n'],
    ['a key separator in the role', 'arn:aws:sts::123456789012:assumed-role/a#b/i-0abc'],
    ['a pipe in the session', 'arn:aws:sts::123456789012:assumed-role/agent/a|b'],
    ['a look-alike letter', 'arn:aws:sts::123456789012:assumed-role/аgent/i-0abc'],
    ['a role of 65 characters', `arn:aws:sts::123456789012:assumed-role/${'r'.repeat(65)}/i-0abc`],
    ['a session of 65 characters', `arn:aws:sts::123456789012:assumed-role/agent/${'s'.repeat(65)}`],
    ['a user of 65 characters', `arn:aws:iam::123456789012:user/${'u'.repeat(65)}`],
    ['a user with an empty path part', 'arn:aws:iam::123456789012:user//ada'],
    ['no partition', 'arn::iam::123456789012:root'],
    ['no partition before a session', 'arn::sts::123456789012:assumed-role/agent/i-0abc'],
  ])('%s - nobody', (_what, arn) => {
    expect(callerOf(arn)).toBeUndefined();
  });

  it('names of 64 characters - still somebody', () => {
    const long = 'n'.repeat(64);
    expect(callerOf(`arn:aws:sts::123456789012:assumed-role/${long}/${long}`)?.session).toBe(long);
    expect(callerOf(`arn:aws:iam::123456789012:user/${long}`)?.principal).toBe(`user/${long}`);
  });

  it('anything at all - nobody, or a principal that cannot break out of a key', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.anything(),
          anyText.map((text) => `arn:aws:sts::123456789012:assumed-role/${text}`),
        ),
        (value) => {
          expect(callerOf(value)?.principal ?? 'root').toMatch(/^(root|(user|role)\/[\w+=,.@/-]+)$/);
        },
      ),
    );
  });
});
