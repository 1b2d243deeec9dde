// What a picture file is, by its first bytes, and a smaller copy of it. Nothing here is decoded before it is asked for.

const HEAD_BYTES = 1 << 20; // enough for the size to be found behind a JPEG's metadata
const SCALED_EDGE = 2048;
const JPEG_QUALITY = 0.92;
const JPEG_BYTES_A_PIXEL = 0.28; // of photographs at that quality

const OTHER_KINDS = [
  [/^GIF8/, "a GIF picture"],
  [/^BM/, "a BMP picture"],
  [/^(II\*\0|MM\0\*)/, "a TIFF picture"],
  [/^.{4}ftyp/s, "an AVIF, HEIC or video file"],
  [/^%PDF/, "a PDF"],
  [/^\s*(\u00ef\u00bb\u00bf)?\s*<(!doctype html|html|head|body)/i, "a web page"],
  [/<svg\b/i, "an SVG drawing"],
];

/** Look at a file: `{type, width, height}`, where sizes may be 0 for unknown, or `{problem}` in words. */
async function pictureFacts(file) {
  let head;
  try {
    head = new DataView(await file.slice(0, HEAD_BYTES).arrayBuffer());
  } catch {
    return { problem: "It cannot be read: is it a folder, or was it moved?" };
  }
  if (!head.byteLength) return { problem: "It is empty (0 bytes)." };
  const text = String.fromCharCode(...new Uint8Array(head.buffer, 0, Math.min(512, head.byteLength)));
  if (text.startsWith("\x89PNG\r\n\x1a\n")) return { type: "image/png", ...pngSize(head) };
  if (text.startsWith("\xff\xd8\xff")) return { type: "image/jpeg", ...jpegSize(head) };
  if (/^RIFF.{4}WEBP/s.test(text)) return { type: "image/webp", ...webpSize(head, text) };
  const kind = OTHER_KINDS.find(([signature]) => signature.test(text))?.[1];
  return { problem: `${kind ? `It is ${kind}` : "It is no picture that is known here"}. Save it as PNG, JPEG or WebP.` };
}

function pngSize(head) {
  if (head.byteLength < 24) return { width: 0, height: 0 };
  return { width: head.getUint32(16), height: head.getUint32(20) };
}

/** Walks from segment to segment to the frame header. */
function jpegSize(head) {
  let at = 2;
  while (at + 9 < head.byteLength && head.getUint8(at) === 0xff) {
    const marker = head.getUint8(at + 1);
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return { width: head.getUint16(at + 7), height: head.getUint16(at + 5) };
    at += marker === 0xff ? 1 : 2 + head.getUint16(at + 2);
  }
  return { width: 0, height: 0 };
}

function webpSize(head, text) {
  if (head.byteLength < 30) return { width: 0, height: 0 };
  const kind = text.slice(12, 16);
  const three = (at) => head.getUint8(at) | (head.getUint8(at + 1) << 8) | (head.getUint8(at + 2) << 16);
  if (kind === "VP8X") return { width: three(24) + 1, height: three(27) + 1 };
  if (kind === "VP8 ") return { width: head.getUint16(26, true) & 0x3fff, height: head.getUint16(28, true) & 0x3fff };
  if (kind !== "VP8L") return { width: 0, height: 0 };
  const bits = head.getUint32(21, true);
  return { width: (bits & 0x3fff) + 1, height: ((bits >> 14) & 0x3fff) + 1 };
}

/** The size of a copy that is `SCALED_EDGE` long: never larger than the picture itself. */
function scaledSize({ width, height }) {
  const scale = Math.min(1, SCALED_EDGE / Math.max(width, height, 1));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/** About how many bytes the copy will have. Made without looking at the pixels, so it is no more than that. */
function scaledBytes(file, facts) {
  const small = scaledSize(facts);
  const share = (small.width * small.height) / Math.max(1, facts.width * facts.height);
  return Math.min(file.size * Math.max(share, 0.02), small.width * small.height * JPEG_BYTES_A_PIXEL);
}

/** A smaller copy, upright, without metadata: PNG where anything is transparent, else JPEG. */
async function scaledDown(file, facts) {
  const whole = await createImageBitmap(new Blob([file], { type: facts.type }), { imageOrientation: "from-image" });
  try {
    const { width, height } = scaledSize(whole);
    const canvas = h("canvas", { width, height });
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(whole, 0, 0, width, height);
    const clear = facts.type !== "image/jpeg" && isSeeThrough(context.getImageData(0, 0, width, height).data);
    return await new Promise((resolve, reject) => {
      const done = (blob) => (blob ? resolve(blob) : reject(new Error("The browser could not write the smaller copy.")));
      canvas.toBlob(done, clear ? "image/png" : "image/jpeg", JPEG_QUALITY);
    });
  } finally {
    whole.close();
  }
}

function isSeeThrough(pixels) {
  for (let at = 3; at < pixels.length; at += 4) if (pixels[at] < 255) return true;
  return false;
}

/** The SHA-256 of a buffer in hexadecimal; empty where the page has no `crypto.subtle` (plain http). */
async function sha256Of(buffer) {
  if (!globalThis.crypto?.subtle) return "";
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", buffer));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
