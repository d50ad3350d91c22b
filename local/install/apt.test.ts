import { expect, test } from 'vitest';
import { explainFailure } from './apt.ts';

const UPDATE = `Err:1 http://packages.example.org/debian bookworm InRelease
Reading package lists...
W: Failed to fetch http://packages.example.org/debian/dists/bookworm/InRelease  Temporary failure resolving 'packages.example.org'
W: Some index files failed to download. They have been ignored, or old ones used instead.
`;
const INSTALL = `Reading package lists...
Building dependency tree...
E: Unable to locate package rabbitmq-server
`;

test('without a network, the failure of apt-get update explains why a package is unknown', () => {
  expect(explainFailure('rabbitmq-server', UPDATE, INSTALL)).toBe(
    `apt-get could not install rabbitmq-server. Check the network and the repositories (/etc/apt), then try again. apt-get says:

W: Failed to fetch http://packages.example.org/debian/dists/bookworm/InRelease  Temporary failure resolving 'packages.example.org'
W: Some index files failed to download. They have been ignored, or old ones used instead.
E: Unable to locate package rabbitmq-server`,
  );
});

test('an output without marked errors is shown as it is', () => {
  expect(explainFailure('prometheus', '', 'dpkg was interrupted\n')).toMatch(
    /says:\n\ndpkg was interrupted$/,
  );
});
