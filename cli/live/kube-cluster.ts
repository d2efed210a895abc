// The cluster behind a kubeconfig. Everything is a bounded request: nothing here hangs, and nothing runs inside a pod.

import type http from 'node:http';
import { messageOf } from '../../src/errors.ts';
import { isMap } from '../../src/json.ts';
import { Access, type AccessOptions } from './access.ts';
import { boundedRequest, type Reply } from './bounded-request.ts';
import {
  type AgentPlace,
  type Answer,
  type Cluster,
  isMissing,
  type Question,
  type Right,
} from './cluster.ts';
import { openForward } from './port-forward.ts';

export function connect(options: AccessOptions): Cluster {
  const access = new Access(options);

  const send = async (question: Question, isAgain = false): Promise<Reply> => {
    const { method = 'GET', path, body, contentType = 'application/json' } = question;
    // A server may stand below a path (Rancher).
    const url = new URL(`${access.server.pathname.replace(/\/$/, '')}${path}`, access.server);
    const settings = await access.options();
    const headers = {
      ...(settings.headers as http.OutgoingHttpHeaders | undefined),
      accept: 'application/json',
      ...(body === undefined ? {} : { 'content-type': contentType }),
    };
    const timeoutMs = Math.min(question.timeoutMs ?? options.timeoutMs, options.timeoutMs);
    const text = body === undefined ? undefined : JSON.stringify(body);
    const reply = await boundedRequest(url, { ...settings, method, headers }, text, timeoutMs);
    // A token may be taken back before it ends, or tell no end. Nothing was done by a request without one.
    if (!reply.ok || reply.status !== 401 || access.plugin === null || isAgain) return reply;
    access.plugin.drop(settings);
    return await send(question, true);
  };

  const ask = async <T>(question: Question): Promise<Answer<T>> => {
    try {
      return answerOf<T>(await send(question), question);
    } catch (error) {
      // A credential plugin that fails, for example.
      return { ok: false, status: 0, detail: messageOf(error), missing: null };
    }
  };

  const forward = async <T>(
    place: AgentPlace,
    path: string,
    timeoutMs: number,
  ): Promise<Answer<T>> => {
    const right = {
      verb: 'create',
      resource: 'pods/portforward',
      namespace: place.namespace,
    } as const;
    const opened = await openForward(access.config, place, timeoutMs);
    if (!opened.ok) {
      const { status, detail } = opened;
      return { ok: false, status, detail, missing: isMissing(status, right) };
    }
    const url = new URL(`http://${place.pod}${path}`);
    const createConnection = (): typeof opened.stream => opened.stream;
    const reply = await boundedRequest(url, { createConnection } as object, undefined, timeoutMs);
    opened.close();
    return answerOf<T>(reply, { right, path });
  };

  return { namespace: access.namespace, ask, forward, close: () => access.close() };
}

function answerOf<T>(reply: Reply, { right }: Question): Answer<T> {
  if (!reply.ok) return { ok: false, status: 0, detail: reply.detail, missing: null };
  const { status, text, date } = reply;
  const body = parsed(text);
  if (status >= 300) {
    const message = isMap(body) && typeof body['message'] === 'string' ? body['message'] : text;
    const detail = `${status} ${message.slice(0, 300)}`.trim();
    // An apply may need to create: the API server tells which of both it missed.
    const verb = /cannot (get|list|create|patch) resource/.exec(message)?.[1] ?? right.verb;
    const lacking = { ...right, verb: verb as Right['verb'] };
    return { ok: false, status, detail, missing: isMissing(status, lacking) };
  }
  if (body === undefined) {
    return { ok: false, status: 0, detail: 'the answer is no JSON', missing: null };
  }
  const serverEpochMs = Date.parse(date);
  return {
    ok: true,
    body: body as T,
    serverEpochMs: Number.isNaN(serverEpochMs) ? null : serverEpochMs,
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
