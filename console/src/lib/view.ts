// A view fills the main area until the next one comes.
export interface View {
  readonly element: HTMLElement;
  readonly title: string;
  /** Where the keyboard goes when the user opens the view; by default its heading. */
  focus?(): void;
  dispose(): void;
}
