// A sitting of blind judging: which pair is shown, which one comes next, what was chosen. No nodes here but pictures.
// Pairs have names without meaning (tokens); who made a picture stays in the kernel until the results are asked for.

const SITTING_AHEAD = 1; // pairs that are fetched while another one is judged
const SITTING_KEPT = 4; // judged pairs whose pictures stay, for going back to
const SITTING_BUSY_AFTER = 1500; // ms

class VoteSitting {
  /** `changed()` is called after every change. */
  constructor(model, changed) {
    this.model = model;
    this.changed = changed;
    this.facts = null; // what Python says of this question: see `_judging.py`
    this.clear();
  }

  clear() {
    for (const pair of [this.shown, ...(this.queue ?? []), ...(this.past ?? []).map((each) => each.pair)]) this.drop(pair);
    this.shown = null; // {token, pictures: [image, image], inputs: [image], urls, common, shrunk}
    this.queue = [];
    this.past = []; // [{pair, choice}], the newest last
    this.asking = 0;
    this.awaited = ""; // token of a pair that comes back, before any other is shown
    this.ended = ""; // why there is no further pair, in words
    this.news = 0; // how often there was reason to look again
    this.trouble = "";
    this.busy = false; // whether Python takes long to answer
    this.turn = (this.turn ?? 0) + 1; // answers to an earlier sitting are dropped
  }

  async ask(what, fields = {}) {
    const mine = this.turn;
    const slow = setTimeout(() => mine === this.turn && this.say({ busy: true }), SITTING_BUSY_AFTER);
    try {
      return await ask(this.model, "judge", { do: what, sitting: this.facts?.sitting ?? "", ...fields });
    } finally {
      clearTimeout(slow);
      if (mine === this.turn && this.busy) this.say({ busy: false });
    }
  }

  /** Begin anew, or learn about another question. */
  async open(question, by) {
    this.clear();
    const mine = this.turn;
    const { result } = await this.ask("open", { question, by });
    if (mine !== this.turn) return;
    this.facts = result;
    this.changed();
  }

  /** Free what it holds, here and in the kernel. */
  close() {
    this.clear();
    if (this.facts) this.ask("close").catch(() => {}); // a kernel that is gone holds nothing
    this.facts = null;
  }

  /** Have pairs at hand; call it also when new pictures may have come. */
  fill() {
    if (this.asking === 0 && !this.ended && this.queue.length < SITTING_AHEAD + (this.shown ? 0 : 1)) this.deal();
  }

  async deal(token = "") {
    const [mine, news] = [this.turn, this.news];
    this.asking += 1;
    let pair = null;
    try {
      const { result, buffers } = await this.ask("deal", { pair: token });
      if (mine !== this.turn) return;
      if (result.pair) pair = await this.decode(result, buffers);
      else if (news === this.news) this.ended = result.ended; // else it is old already: `next` asks again
      if (mine !== this.turn) return this.drop(pair);
      this.trouble = "";
    } catch (error) {
      if (mine !== this.turn) return;
      this.trouble = this.ended = error.message;
      this.awaited = "";
    } finally {
      if (mine === this.turn) this.asking -= 1;
    }
    if (token) this.awaited = "";
    if (pair && token) this.queue.unshift(pair);
    else if (pair) this.queue.push(pair);
    this.next();
  }

  async decode(result, buffers) {
    const urls = buffers.map((bytes, place) => URL.createObjectURL(new Blob([bytes], { type: place < 2 ? "image/png" : "image/jpeg" })));
    const pictures = urls.map((src) => h("img", { src }));
    await Promise.all(pictures.map((each) => each.decode()));
    return { token: result.pair, common: result.common, shrunk: result.shrunk, pictures: pictures.slice(0, 2), inputs: pictures.slice(2), urls };
  }

  /** Show the next pair if none is shown. */
  next() {
    if (!this.shown && !this.awaited) this.shown = this.queue.shift() ?? null;
    this.fill();
    this.changed();
  }

  /** Look again for pairs, where there were none. */
  retry() {
    this.news += 1;
    if (!this.ended) return;
    this.ended = "";
    this.fill();
    this.changed();
  }

  /** Choose left, right, tie, bad or skip for the pair that is shown; the next one is shown at once. */
  choose(choice) {
    const pair = this.shown;
    if (!pair) return false;
    this.past.push({ pair, choice });
    if (this.past.length > SITTING_KEPT) this.drop(this.past.at(-SITTING_KEPT - 1).pair);
    this.shown = null;
    this.ended = ""; // there may be more now, or other words
    this.send("vote", pair, { choice }, () => {
      this.past = this.past.filter((each) => each.pair !== pair);
      this.putBack(pair);
    });
    this.next();
    return true;
  }

  /** Take the last choice back, and show its pair again. */
  undo() {
    const last = this.past.pop();
    if (!last) return false;
    this.send("undo", last.pair, {}, () => {
      if (this.shown === last.pair) this.shown = null;
      this.queue = this.queue.filter((each) => each !== last.pair);
      this.past.push(last);
    });
    this.putBack(last.pair);
    this.next();
    return true;
  }

  putBack(pair) {
    if (this.shown) this.queue.unshift(this.shown);
    this.shown = null;
    this.trouble = "";
    if (pair.urls.length) this.queue.unshift(pair);
    else {
      this.awaited = pair.token;
      this.deal(pair.token);
    }
  }

  /** Python hears of choices in the order in which they are made. */
  async send(what, pair, fields, failed) {
    const mine = this.turn;
    try {
      const { result } = await this.ask(what, { pair: pair.token, ...fields });
      if (mine === this.turn) this.facts = { ...this.facts, ...result };
    } catch (error) {
      if (mine !== this.turn) return;
      failed();
      this.next();
      this.trouble = error.message;
    }
    if (mine === this.turn) this.changed();
  }

  say(patch) {
    Object.assign(this, patch);
    this.changed();
  }

  /** Free a pair's pictures; its token stays. */
  drop(pair) {
    for (const url of pair?.urls ?? []) URL.revokeObjectURL(url);
    if (pair) Object.assign(pair, { urls: [], pictures: [], inputs: [] });
  }
}
