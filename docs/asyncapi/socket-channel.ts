import {
  closeCodes,
  handshakeQuerySchema,
  handshakeRefusals,
  resetReasons,
  socketErrors,
} from '@image-pipeline/shared/contracts/websocket.ts';
import { z } from 'zod';
import { clientMessages, messagesOf, serverMessages } from './messages.ts';

const description = `One JSON object per text frame. A subscriber receives the current state of its job, then every later \
event once, in order. To resume after a lost connection, send the last \`event_id\` as \`last_event_id\`: you receive the \
missed events and no state, or \`reset\` and the state if events are missing. \
A client that reads too slowly or does not answer pings is disconnected, and can resume.`;

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
              description: 'Bearer API_TOKEN; required to subscribe to all jobs in production.',
            },
            Origin: {
              type: 'string',
              description: 'The origin of the page; must be allowed by WEBSOCKET_ORIGINS.',
            },
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
