// Where the serving certificate comes from: made by ourselves, or files of somebody else.

export type ServingCertificate = {
  readonly certPem: string;
  readonly keyPem: string;
  readonly notAfterMs: number;
};

/** Who wants to know how certificates fare: the metrics. */
export type CertificateWatcher = {
  readonly ends: (kind: 'ca' | 'leaf', atMs: number) => void;
  readonly rotated: (kind: 'ca' | 'leaf', isDone: boolean) => void;
  /** Whether the configuration trusts our authority. */
  readonly trusted: (isInSync: boolean) => void;
};

export const NOBODY: CertificateWatcher = {
  ends: () => undefined,
  rotated: () => undefined,
  trusted: () => undefined,
};

export type CertificateSource = {
  /** Resolves with the first certificate; later ones come through `onCertificate`. */
  start(onCertificate: (certificate: ServingCertificate) => void): Promise<ServingCertificate>;
  /** Something changed that may concern certificates: look again. */
  check(): Promise<void>;
};
