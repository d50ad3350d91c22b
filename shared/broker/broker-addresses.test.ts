import { expect, test } from 'vitest';
import { readConfig } from '../config.ts';
import { brokerAddresses, connectOptions } from './broker-addresses.ts';

const read = (RABBITMQ_URL: string) =>
  readConfig({ RABBITMQ_URL: brokerAddresses }, { RABBITMQ_URL }).RABBITMQ_URL;

test('one address, or the addresses of all nodes of a cluster', () => {
  expect(read('')).toEqual(['amqp://guest:guest@localhost:5672']);
  expect(read('amqp://a:b@one, amqps://a:b@two:5671/vhost')).toEqual([
    'amqp://a:b@one',
    'amqps://a:b@two:5671/vhost',
  ]);
});

test.each(['http://localhost', 'amqp://one,', 'amqp://one,http://two', 'rabbitmq'])(
  '"%s" is refused',
  (given) => {
    expect(() => read(given)).toThrow(/RABBITMQ_URL is .* must be comma-separated URLs that start with amqp/);
  },
);

test('an address that cannot be read is not shown: its password may be the reason', () => {
  const said = () => read('amqp://guest:top/sec#ret@rabbitmq:5672');
  expect(said).toThrow(/RABBITMQ_URL is set \(not shown\), but must be comma-separated URLs/);
  expect(said).not.toThrow(/sec/);
});

test('what an address says is what amqplib is given', () => {
  expect(connectOptions('amqp://us%40er:p%2Fw@[::1]:5673/a%2Fb?heartbeat=5&frameMax=8192', 10)).toEqual({
    protocol: 'amqp',
    hostname: '::1',
    port: 5673,
    username: 'us@er',
    password: 'p/w',
    vhost: 'a%2Fb',
    heartbeat: 5,
    frameMax: 8192,
  });
});

test('what it leaves out is left to amqplib, but the heartbeat', () => {
  expect(connectOptions('amqps://rabbitmq', 10)).toEqual({
    protocol: 'amqps',
    hostname: 'rabbitmq',
    vhost: '',
    heartbeat: 10,
  });
});
