// How the API server is reached: its address, and how a request proves who sends it.

export type ApiAccess = {
  readonly origin: string;
  readonly tls: {
    readonly ca?: string;
    readonly cert?: string;
    readonly key?: string;
    readonly servername?: string;
    readonly rejectUnauthorized?: boolean;
  };
  /** Headers that authenticate the request sent now. */
  readonly headers: (nowMs: number) => Record<string, string>;
};
