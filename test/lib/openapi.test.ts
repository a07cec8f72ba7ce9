import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { routes } from '../../core/routes.ts';
import { routeInputs, type RouteKey } from '../../lambdas/schemas/route-inputs.ts';
import { openApiDocument, openApiFile, openApiText } from '../../scripts/openapi.ts';

type Json = Record<string, unknown>;
interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly { readonly in: string; readonly name: string }[];
  readonly requestBody?: { readonly content: { readonly 'application/json': { readonly schema: Json } } };
  readonly responses: Json;
}

const document = openApiDocument() as { paths: Record<string, Record<string, Operation>> };
const operationOf = ({ method, path }: { method: string; path: string }) =>
  document.paths[path]?.[method.toLowerCase()];

test('a route or a schema has changed - the document says so (`node scripts/openapi.ts` writes it)', async () => {
  expect(readFileSync(openApiFile, 'utf8')).toBe(await openApiText());
});

test('the document has every route and no other, each by a name of its own', () => {
  const operations = Object.values(document.paths).flatMap((it) => Object.values(it));
  expect(operations).toHaveLength(routes.length);
  expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(routes.length);
});

test('all that it refers to is there', () => {
  const text = JSON.stringify(document);
  const references = [...text.matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, pointer = '']) => pointer);
  expect(references.length).toBeGreaterThan(0);
  for (const pointer of new Set(references)) {
    const found = pointer.split('/').reduce<unknown>((at, name) => (at as Json)[name], document);
    expect(found).toBeDefined();
  }
});

describe.each(routes.map((route) => [`${route.method} ${route.path}`, route] as const))(
  '%s',
  (key, route) => {
    const input = routeInputs[key as RouteKey];
    const operation = operationOf(route);

    test('takes the body that its function validates', () => {
      const schema = operation?.requestBody?.content['application/json'].schema;
      if (input.body === undefined) expect(schema).toBeUndefined();
      else {
        const { $schema: _dialect, ...wanted } = z.toJSONSchema(input.body, { io: 'input' });
        expect(schema).toEqual(wanted);
      }
    });

    test('names its parameters', () => {
      const named = (where: string) =>
        (operation?.parameters ?? []).filter((it) => it.in === where).map(({ name }) => name);
      expect(named('path')).toEqual([...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
      expect(named('query')).toEqual(Object.keys(input.query.shape));
    });
  },
);
