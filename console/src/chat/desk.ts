// Which conversation of each mode this tab is at, and those that still write: one object per conversation and page.
import { readTabSetting, writeTabSetting } from "../lib/storage";
import { Conversation } from "./conversation";
import { Mode, Settings } from "./settings";
import { Shelf, newEntry } from "./shelf";

export class Desk {
  private readonly live = new Map<string, Conversation>();
  private readonly current: Record<Mode, Conversation>;

  constructor(
    readonly shelf: Shelf,
    private readonly settings: Settings,
  ) {
    this.current = { chat: this.blank("chat"), complete: this.blank("complete") };
    shelf.listen((changed) => void this.hear(changed));
  }

  at(mode: Mode): Conversation {
    return this.current[mode];
  }

  /** After a reload: what the tab was at before. */
  async resume(): Promise<void> {
    await this.shelf.ready;
    for (const mode of ["chat", "complete"] as const) {
      const id = readTabSetting(`current.${mode}`);
      if (id !== null && this.current[mode].empty) await this.open(id);
      this.take(this.current[mode]);
    }
  }

  /** Null: it is not there any more. */
  async open(id: string): Promise<Conversation | null> {
    const entry = this.shelf.entry(id);
    if (!entry) return null;
    let conversation = this.live.get(id);
    if (!conversation) {
      conversation = new Conversation({ ...entry }, await this.shelf.messages(id), this.settings, this.shelf);
      this.live.set(id, conversation);
    }
    this.take(conversation);
    return conversation;
  }

  /** A conversation without messages: it is kept once something is said in it. */
  fresh(mode: Mode): Conversation {
    const conversation = this.at(mode).empty ? this.at(mode) : this.blank(mode);
    this.take(conversation);
    return conversation;
  }

  private blank(mode: Mode): Conversation {
    const conversation = new Conversation(newEntry(mode), [], this.settings, this.shelf);
    this.live.set(conversation.entry.id, conversation);
    return conversation;
  }

  private take(conversation: Conversation): void {
    this.current[conversation.mode] = conversation;
    writeTabSetting(`current.${conversation.mode}`, conversation.entry.id);
    for (const [id, one] of this.live) {
      if (!one.busy && one !== this.current.chat && one !== this.current.complete) this.live.delete(id);
    }
  }

  private async hear(changed: string | null): Promise<void> {
    const conversation = changed === null ? undefined : this.live.get(changed);
    if (conversation) conversation.merge(await this.shelf.messages(conversation.entry.id));
  }
}
