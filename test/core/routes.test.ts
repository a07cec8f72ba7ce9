import { describe, expect, it } from 'vitest';
import { routes, type Route } from '../../core/routes.ts';

const named = (routes satisfies readonly Route[]).map(
  (route) => [`${route.method} ${route.path}`, route] as const,
);

describe('the routes', () => {
  it('no route is listed twice, whatever its parameters are called', () => {
    const shapes = named.map(([name]) => name.replaceAll(/\{\w+\}/g, '{}'));
    expect(shapes.filter((shape, index) => shapes.indexOf(shape) !== index)).toEqual([]);
  });

  it.each(named)('%s - one function answers, and somebody may call it, each once', (_name, { callers }) => {
    expect(callers.length).toBeGreaterThan(0);
    expect(new Set(callers).size).toBe(callers.length);
  });

  it.each(named)('%s - well-formed, with parameters of one word', (_name, { path }) => {
    expect(path).toMatch(/^(\/([a-z-]+|\{[a-zA-Z]+\}))+$/);
  });

  it.each(named.filter(([, { method }]) => method === 'GET'))(
    '%s - reads, so that lookup answers it',
    (_name, route) => {
      expect(route.answeredBy).toBe('lookup');
    },
  );

  it('only a proxy reports, and only an instance beats', () => {
    const callersOf = (end: string) =>
      named.filter(([name]) => name.endsWith(end)).flatMap(([, { callers }]) => callers);
    expect(callersOf('/forward-errors')).toEqual(['proxy']);
    expect(callersOf('/heartbeats')).toEqual(['agent']);
  });

  it('an agent may beat and nothing else', () => {
    const ofAgents = named.filter(([, { callers }]) => (callers as readonly string[]).includes('agent'));
    expect(ofAgents.map(([name]) => name)).toEqual(['POST /workspaces/{workspaceId}/heartbeats']);
  });

  it('whatever changes more than a request - only an operator may call it', () => {
    const powerful = named.filter(
      ([name, { answeredBy }]) => answeredBy === 'operate' && !name.startsWith('DELETE /requests'),
    );
    expect(powerful.filter(([, { callers }]) => callers.join() !== 'operator')).toEqual([]);
  });

  it('a request is cancelled and read by who parked it, too', () => {
    const ofRequests = named.filter(([, { path }]) => path === '/requests/{requestId}');
    expect(ofRequests).toHaveLength(2);
    for (const [, { callers }] of ofRequests) expect([...callers].sort()).toEqual(['operator', 'proxy']);
  });
});
