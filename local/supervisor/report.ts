import { z } from 'zod';

export const serviceStates = [
  'starting',
  'ready',
  'not ready',
  'restarting',
  'stopping',
  'stopped',
  'failed',
] as const;

/** What `make ps` shows of one service. */
export const serviceReportSchema = z.strictObject({
  name: z.string(),
  state: z.enum(serviceStates),
  /** Why it is not ready, or how it ended. */
  reason: z.string().optional(),
  pid: z.int().optional(),
  port: z.int().optional(),
  /** Since the present process was started; absent while there is none. */
  uptimeSeconds: z.number().optional(),
  restarts: z.int(),
  logFile: z.string(),
});
export type ServiceReport = z.infer<typeof serviceReportSchema>;

export const systemReportSchema = z.strictObject({
  phase: z.enum(['starting', 'running', 'stopping']),
  broker: z.strictObject({ amqpPort: z.int(), managementPort: z.int() }).optional(),
  services: z.array(serviceReportSchema),
  /** Where the services keep what they store, for people. */
  store: z.string().optional(),
});
export type SystemReport = z.infer<typeof systemReportSchema>;

/** The port of a service, which a report of a running system has. */
export function portOf({ services }: SystemReport, name: string): number {
  const port = services.find((service) => service.name === name)?.port;
  if (port === undefined) throw new Error(`The report has no port of ${name}.`);
  return port;
}
