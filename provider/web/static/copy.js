// Copies the value that stands beside a button. Browsers have a clipboard for pages on https and
// on this machine only, so elsewhere the buttons stay hidden and the value is selected by a click.
const copied = document.getElementById("copied");

async function copy(button, label) {
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch { // forbidden by the browser's settings
    getSelection().selectAllChildren(button.previousElementSibling);
    return;
  }
  copied.textContent = button.textContent = copied.dataset.done;
  setTimeout(() => { copied.textContent = ""; button.textContent = label; }, 2000);
}

if (navigator.clipboard) {
  for (const button of document.querySelectorAll("button[data-copy]")) {
    const label = button.textContent; // now, while it does not say that it was copied
    button.hidden = false;
    button.addEventListener("click", () => copy(button, label));
  }
}
