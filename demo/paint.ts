/** Colour, where the reader is a terminal that wants it (NO_COLOR and pipes mean none). */
import { styleText } from 'node:util';

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan' | 'magenta' | 'blue';
export type Paint = (style: Style, text: string) => string;

export const noPaint: Paint = (_style, text) => text;

export function paintFor(stream: NodeJS.WriteStream): Paint {
  return (style, text) => styleText(style, text, { stream });
}
