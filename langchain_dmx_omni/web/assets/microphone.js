// The microphone: pressed once it records, pressed again it gives the recording.

export class Microphone {
  #recorder = null;

  get isOn() {
    return this.#recorder !== null;
  }

  /** Return the recording when it is over; null for the press that ends it. Raises where there is no microphone. */
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
    changed();
    await over;
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
