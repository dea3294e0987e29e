// Speech: heard while it comes, and a WAV file when it is whole. Samples are 16-bit, of one channel.

export class Speech {
  #context = null;
  #at = 0;
  #pieces = [];
  #rate = 24000;
  #playing = new Set();
  #silent = false;

  /** Browsers let a page sound only after somebody pressed something: called when the question is sent. */
  constructor(onEnd) {
    this.onEnd = onEnd;
    try {
      this.#context = new AudioContext();
      this.#context.resume().catch(() => {});
    } catch {
      // No sound device: the file at the end can still be saved.
    }
  }

  get isPlaying() {
    return this.#playing.size > 0;
  }

  feed(base64, rate) {
    const bytes = Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));
    this.#pieces.push(bytes);
    this.#rate = rate;
    if (!this.#silent && this.#context) this.#play(new DataView(bytes.buffer), rate);
  }

  #play(view, rate) {
    const samples = new Float32Array(view.byteLength >> 1);
    for (let i = 0; i < samples.length; i++) samples[i] = view.getInt16(2 * i, true) / 32768;
    const buffer = this.#context.createBuffer(1, samples.length, rate);
    buffer.copyToChannel(samples, 0);
    const source = this.#context.createBufferSource();
    source.buffer = buffer;
    source.connect(this.#context.destination);
    // A little ahead of the clock: the next piece may be late.
    this.#at = Math.max(this.#at, this.#context.currentTime + 0.1);
    source.start(this.#at);
    this.#at += buffer.duration;
    this.#playing.add(source);
    source.onended = () => {
      this.#playing.delete(source);
      if (!this.#playing.size) this.onEnd();
    };
  }

  /** No more sound; what still comes is kept for the file. */
  hush() {
    this.#silent = true;
    for (const source of this.#playing) {
      source.onended = null;
      source.stop();
    }
    this.#playing.clear();
    this.#context?.close().catch(() => {});
    this.#context = null;
    this.onEnd();
  }

  /** The whole as a WAV file; null where there was no speech. */
  wav() {
    const size = this.#pieces.reduce((sum, piece) => sum + piece.length, 0);
    if (!size) return null;
    const head = new DataView(new ArrayBuffer(44));
    const word = (at, letters) => [...letters].forEach((letter, i) => head.setUint8(at + i, letter.charCodeAt(0)));
    word(0, "RIFF");
    head.setUint32(4, 36 + size, true);
    word(8, "WAVEfmt ");
    head.setUint32(16, 16, true);
    head.setUint16(20, 1, true);
    head.setUint16(22, 1, true);
    head.setUint32(24, this.#rate, true);
    head.setUint32(28, this.#rate * 2, true);
    head.setUint16(32, 2, true);
    head.setUint16(34, 16, true);
    word(36, "data");
    head.setUint32(40, size, true);
    return new Blob([head.buffer, ...this.#pieces], { type: "audio/wav" });
  }
}
