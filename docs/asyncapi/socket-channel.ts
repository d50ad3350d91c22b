import {
  closeCodes,
  handshakeQuerySchema,
  handshakeRefusals,
  resetReasons,
  socketErrors,
} from '@image-pipeline/shared/contracts/websocket.ts';
import { z } from 'zod';
import { clientMessages, messagesOf, serverMessages } from './messages.ts';

const description = `One JSON object a text frame. A subscriber is told the present state of its job, then every later \
event once, in the order of a job's life. \`event_id\` is where to resume: after a connection has broken, \
\`last_event_id\` brings what was missed and no state; where that cannot be, \`reset\` and the state come. \
A client that reads too slowly is cut, and may resume. The service pings; a client that does not answer is cut.`;

/** The channel of the notification service. */
export function socketChannel(): object {
  const { properties } = z.toJSONSchema(handshakeQuerySchema, { target: 'draft-7' });
  return {
    address: '/ws',
    title: 'notifications',
    description,
    servers: [{ $ref: '#/servers/notification' }],
    messages: messagesOf([...Object.values(clientMessages), ...Object.values(serverMessages)].flat()),
    bindings: {
      ws: {
        method: 'GET',
        query: { type: 'object', properties },
        headers: {
          type: 'object',
          properties: {
            Authorization: {
              type: 'string',
              description: 'Bearer API_TOKEN, to watch all jobs in production.',
            },
            Origin: { type: 'string', description: 'Of a page; must be one that may connect.' },
          },
        },
        bindingVersion: '0.1.0',
      },
    },
    'x-handshake-refusals': handshakeRefusals,
    'x-reset-reasons': resetReasons,
    'x-error-codes': socketErrors,
    'x-close-codes': closeCodes,
  };
}
