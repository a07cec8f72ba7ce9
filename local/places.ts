/** Where things are in the project's folder. */
import path from 'node:path';

export const projectRoot = path.resolve(import.meta.dirname, '..');
/** Where a local stack keeps its files unless told otherwise. */
export const defaultFolder = path.join(projectRoot, '.defib');
export const venvFolder = path.join(projectRoot, '.venv');
export const requirementsFile = path.join(import.meta.dirname, 'requirements.txt');
export const emulatorScript = path.join(import.meta.dirname, 'emulator.py');
export const cdkCli = path.join(projectRoot, 'node_modules', 'aws-cdk', 'bin', 'cdk');

/** As a person in the project's folder would type it. */
export const shown = (file: string): string => path.relative(process.cwd(), file) || '.';
