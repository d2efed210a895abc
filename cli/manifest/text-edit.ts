/** A part of a text, by the places of its characters, and what stands there instead. */
export type TextEdit = { readonly start: number; readonly end: number; readonly text: string };
