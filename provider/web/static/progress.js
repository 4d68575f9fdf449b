// Shows how far an import is while somebody looks, and its result when it ends.
// Without this the page refreshes itself.
const bar = document.getElementById("progress");
const stream = new EventSource(bar.dataset.stream);

stream.addEventListener("progress", (event) => {
  bar.innerHTML = event.data;
});

stream.addEventListener("end", async (event) => {
  stream.close();
  const answer = await fetch(location.href);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const result = page.getElementById("run");
  if (!answer.ok || !result || page.getElementById("progress") || page.getElementById("choose")) {
    location.reload(); // signed out, something new began, or a page with a script of its own
    return;
  }
  document.getElementById("run").replaceWith(result);
  document.getElementById("announcement").textContent = event.data;
});

stream.addEventListener("error", () => {
  if (stream.readyState === EventSource.CLOSED) {
    setTimeout(() => location.reload(), 5000);
  }
});
