// The microphone: pressed once it records, pressed again it gives the recording.

export class Microphone {
  #recorder = null;
  #begun = 0;

  get isOn() {
    return this.#recorder !== null;
  }

  /** Seconds since it began. */
  get seconds() {
    return this.isOn ? (performance.now() - this.#begun) / 1000 : 0;
  }

  /** Return the recording when it is over; null for the press that ends it. Raises where there is no microphone.
   * `changed` is called when it begins and ends, and each second between. */
  async press(changed) {
    if (this.#recorder) {
      this.#recorder.stop();
      return null;
    }
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    const recorder = (this.#recorder = new MediaRecorder(stream));
    const pieces = [];
    const over = new Promise((resolve) => (recorder.onstop = resolve));
    recorder.ondataavailable = (event) => pieces.push(event.data);
    recorder.start();
    this.#begun = performance.now();
    changed();
    const ticking = setInterval(changed, 1000);
    await over;
    clearInterval(ticking);
    stream.getTracks().forEach((track) => track.stop());
    this.#recorder = null;
    changed();
    return new Blob(pieces, { type: recorder.mimeType });
  }

  /** How the name of a recording ends: browsers record in formats of their own. */
  ending(recording) {
    return recording.type.includes("mp4") ? "m4a" : recording.type.includes("ogg") ? "ogg" : "webm";
  }
}
