import { UserError } from '../user-error.ts';

/** Runs one of the load tests by k6 against the running system. @throws UserError */
export async function runLoadTest(
  script: 'bulk_upload' | 'burst_test' | 'capacity_test',
  _settings: Readonly<Record<string, string>>,
): Promise<string> {
  return Promise.reject(new UserError(`The load test ${script} is not there yet.`));
}
