/** The control port: orders faults and shows what reached the proxy (api.md, "The local stack, for tools"). */
import type { CallBook } from './call-book.ts';
import type { FaultBook } from './fault-book.ts';
import { parseFaultOrder } from './fault-order.ts';
import type { HttpAnswer, HttpCall } from './forward.ts';

export function answerControl(call: HttpCall, faults: FaultBook, calls: CallBook): HttpAnswer {
  switch (`${call.method} ${call.path}`) {
    case 'GET /calls':
      return json(calls.counts);
    case 'GET /faults':
      return json(faults.standing);
    case 'DELETE /faults':
      faults.clear();
      return json(faults.standing);
    case 'PUT /faults': {
      const parsed = parseFaultOrder(call.body);
      if ('problem' in parsed) return line(400, parsed.problem);
      faults.order(parsed.order);
      return json(faults.standing);
    }
    default:
      return line(404, `No ${call.method} ${call.path} here: use PUT, GET or DELETE /faults, or GET /calls`);
  }
}

const json = (value: unknown): HttpAnswer => ({
  status: 200,
  contentType: 'application/json',
  body: `${JSON.stringify(value)}\n`,
});
const line = (status: number, text: string): HttpAnswer => ({
  status,
  contentType: 'text/plain',
  body: `${text}\n`,
});
