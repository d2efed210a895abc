// The version of this build; the bundle has it baked in.

export const VERSION: string = process.env['RO_BUILD_VERSION'] ?? '0.0.0-development';
