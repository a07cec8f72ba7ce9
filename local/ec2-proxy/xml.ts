/** EC2's XML as plain objects and back. Every value stays text, and a list is always an array of `item`. */
import XMLBuilder from 'fast-xml-builder';
import { XMLParser } from 'fast-xml-parser';

import type { Refusal } from './refusals.ts';

export type XmlValue = string | XmlElement;
export interface XmlElement {
  [name: string]: XmlValue | XmlValue[];
}

const shared = { ignoreAttributes: false, attributeNamePrefix: '@' } as const;
const parser = new XMLParser({ ...shared, parseTagValue: false, isArray: (name) => name === 'item' });
const builder = new XMLBuilder({ ...shared, suppressEmptyNode: true });

export const parseXml = (text: string): XmlElement => parser.parse(text) as XmlElement;
export const buildXml = (document: XmlElement): string => builder.build(document);

/** The element inside, or undefined where there is none (an empty tag is text). */
export function child(element: XmlElement | undefined, name: string): XmlElement | undefined {
  const value = element?.[name];
  return value === undefined || typeof value === 'string' || Array.isArray(value) ? undefined : value;
}

export function text(element: XmlElement | undefined, name: string): string | undefined {
  const value = element?.[name];
  return typeof value === 'string' ? value : undefined;
}

/** The items of the list element `name`. */
export function items(element: XmlElement | undefined, name: string): XmlElement[] {
  const list = child(element, name)?.['item'];
  return Array.isArray(list) ? list.filter((item) => typeof item !== 'string') : [];
}

/** EC2's form of an error answer. */
export function refusalXml(refusal: Refusal, requestId: string): string {
  const { code, message } = refusal;
  return buildXml({
    '?xml': { '@version': '1.0', '@encoding': 'UTF-8' },
    Response: { Errors: { Error: { Code: code, Message: message } }, RequestID: requestId },
  });
}
