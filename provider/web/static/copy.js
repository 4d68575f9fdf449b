// Copies a value that stands beside a button. Browsers allow it on https and this machine only, so
// elsewhere the buttons stay hidden.
const copied = document.getElementById("copied");

if (navigator.clipboard) {
  for (const button of document.querySelectorAll("button[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.dataset.copy);
      copied.textContent = "";
      copied.textContent = copied.dataset.done;
      const text = button.textContent;
      button.textContent = copied.dataset.done;
      setTimeout(() => { button.textContent = text; }, 2000);
    });
  }
}
