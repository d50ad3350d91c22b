import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TcpProxy } from './tcp-proxy.ts';

describe('a TCP proxy that can fail', () => {
  let echo: Server;
  let proxy: TcpProxy;
  const heard: string[] = [];

  beforeEach(async () => {
    heard.length = 0;
    echo = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => {
        heard.push(chunk.toString());
        socket.write(chunk);
      });
    }).listen(0, '127.0.0.1');
    await once(echo, 'listening');
    const address = echo.address();
    if (address === null || typeof address === 'string') throw new Error('not listening');
    proxy = await TcpProxy.to({ host: '127.0.0.1', port: address.port });
  });

  afterEach(async () => {
    await proxy.close();
    const closed = once(echo, 'close');
    echo.close();
    await closed;
  });

  it('passes bytes both ways', async () => {
    const socket = await dial();
    expect(await ask(socket, 'hello')).toBe('hello');
    socket.destroy();
  });

  it('resets open connections and accepts new ones', async () => {
    const socket = await dial();
    await ask(socket, 'hello');
    const failed = once(socket, 'error');
    proxy.cut();
    expect(await failed).toMatchObject([{ code: 'ECONNRESET' }]);

    const next = await dial();
    expect(await ask(next, 'again')).toBe('again');
    next.destroy();
  });

  it('keeps frozen connections open and delivers their data after resume()', async () => {
    const socket = await dial();
    await ask(socket, 'hello');
    proxy.freeze();
    socket.write('frozen');
    const late = await dial(); // taken, but nothing of it flows
    late.write('late');
    // A round trip without the proxy: data that would pass has passed by now.
    await new Promise(setImmediate);
    expect(heard).toEqual(['hello']);

    const thawed = Promise.all([firstChunk(socket), firstChunk(late)]);
    await proxy.resume();
    expect(await thawed).toEqual(['frozen', 'late']);
    socket.destroy();
    late.destroy();
  });

  it('freezes in the middle of the data', async () => {
    const socket = await dial();
    const frozen = proxy.freezeAfter(100);
    socket.write('x'.repeat(1_000_000));
    await frozen;
    const passed = heard.join('').length;
    expect(passed).toBeLessThan(1_000_000);
    proxy.cut();
    await once(socket, 'error').catch(() => undefined);
  });

  it('forwards a request and drops its response', async () => {
    const socket = await dial();
    await ask(socket, 'hello');
    const swallowed = proxy.mute();
    const failed = once(socket, 'error');
    socket.write('lost');
    await swallowed;
    await proxy.resume();

    expect(heard).toEqual(['hello', 'lost']);
    expect(await failed).toMatchObject([{ code: 'ECONNRESET' }]);
  });

  it('refuses connections and accepts them again on the same port', async () => {
    const { port } = proxy;
    await proxy.refuse();
    await expect(dial()).rejects.toMatchObject({ code: 'ECONNREFUSED' });

    await proxy.resume();
    expect(proxy.port).toBe(port);
    const socket = await dial();
    expect(await ask(socket, 'hello')).toBe('hello');
    socket.destroy();
  });

  async function dial(): Promise<Socket> {
    const socket = connect(proxy.port, '127.0.0.1');
    await once(socket, 'connect');
    return socket;
  }

  async function ask(socket: Socket, text: string): Promise<string> {
    socket.write(text);
    return firstChunk(socket);
  }

  async function firstChunk(socket: Socket): Promise<string> {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    return chunk.toString();
  }
});
