// The version of this build, and the commit that it was made of; a bundle has them baked in.

export const VERSION: string = process.env['RO_BUILD_VERSION'] ?? '0.0.0-development';
export const COMMIT: string = process.env['RO_BUILD_COMMIT'] ?? 'unknown';
