// Forms with data-keep-sealed="KEY" keep what is typed as keep.js does, but encrypted: browsers write this storage to the
// disk. The key is in data-keep-key, comes with the page and is stored nowhere. Without https browsers offer no
// encryption, and nothing is kept.
(() => {
  const name = "AES-GCM";
  if (!window.keep || !crypto.subtle) return;
  const { PREFIX, user, read, write, values, offer } = window.keep;

  async function sealWith(secret) {
    const raw = Uint8Array.from(atob(secret), (sign) => sign.charCodeAt(0));
    const key = await crypto.subtle.importKey("raw", raw, name, false, ["encrypt", "decrypt"]);
    return {
      async close(plain) {
        const iv = crypto.getRandomValues(new Uint8Array(12));
        const closed = await crypto.subtle.encrypt({ name, iv }, key, new TextEncoder().encode(JSON.stringify(plain)));
        return [[...iv], [...new Uint8Array(closed)]];
      },
      async open([iv, closed]) {
        const plain = await crypto.subtle.decrypt({ name, iv: new Uint8Array(iv) }, key, new Uint8Array(closed));
        return JSON.parse(new TextDecoder().decode(plain));
      },
    };
  }

  async function attend(form) {
    const key = PREFIX + form.dataset.keepSealed;
    const seal = await sealWith(form.dataset.keepKey);
    const entry = read(key);
    offer(form, entry && (await seal.open(entry.values).catch(() => null)));
    let sent = false;
    let latest = Promise.resolve(); // one after the other, so that what is kept last was typed last
    const keep = () => {
      const typed = values(form);
      latest = latest.then(async () => write(key, { user, values: await seal.close(typed), sent }));
    };
    form.addEventListener("input", keep);
    form.addEventListener("change", keep);
    form.addEventListener("submit", () => {
      sent = true;
      if (read(key)) write(key, { ...read(key), sent });
    });
  }

  document.querySelectorAll("form[data-keep-sealed]").forEach(attend);
})();
