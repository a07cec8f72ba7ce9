import { expect, test } from 'vitest';

import { findPython, type PythonLook } from '../../local/python.ts';

/** A machine with these commands, of which some can make no virtual environment. */
const machine = (versions: Record<string, string>, withoutVenv: readonly string[] = []): PythonLook => ({
  versionOf: (command) => versions[command],
  canMakeVenv: (command) => !withoutVenv.includes(command),
});

test('python3 is new enough - it is taken', () => {
  expect(findPython(machine({ python3: '3.10.0', 'python3.13': '3.13.0' }))).toBe('python3');
});

test('python3 is too old, a newer one has its own name - the newer one is taken', () => {
  expect(findPython(machine({ python3: '3.9.18', 'python3.12': '3.12.1' }))).toBe('python3.12');
});

test('the first usable one has no venv module, the next has - the next is taken', () => {
  const look = machine({ python3: '3.12.1', 'python3.11': '3.11.7' }, ['python3']);
  expect(findPython(look)).toBe('python3.11');
});

test.each([
  [
    'there is none',
    machine({}),
    'Python 3.10 or newer is needed for the local AWS, but there is no python3 on the PATH: install Python and try again.',
  ],
  [
    'all are too old',
    machine({ python3: '3.8.18', python: '2.7.18' }),
    'Python 3.10 or newer is needed for the local AWS, but python3 is Python 3.8.18: install a newer one and try again.',
  ],
  [
    'none has a venv module',
    machine({ python3: '3.12.1' }, ['python3']),
    'python3 (Python 3.12.1) can make no virtual environment: install its venv module (Debian and Ubuntu: apt install python3-venv) and run the same command again.',
  ],
])('%s - one line says what to do', (_, look, line) => {
  expect(() => findPython(look)).toThrow(line);
});
