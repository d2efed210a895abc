// Where the serving certificate comes from: made by ourselves, or files of somebody else.

export type ServingCertificate = {
  readonly certPem: string;
  readonly keyPem: string;
  readonly notAfterMs: number;
};

export type CertificateSource = {
  /** Resolves with the first certificate; later ones come through `onCertificate`. */
  start(onCertificate: (certificate: ServingCertificate) => void): Promise<ServingCertificate>;
  /** Something changed that may concern certificates: look again. */
  check(): Promise<void>;
};
