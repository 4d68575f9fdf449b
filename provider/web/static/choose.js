// Counts the ticked people of a list, and says so to those who do not see it.
const form = document.getElementById("choose");
const chosen = document.getElementById("chosen");

function count() {
  const n = form.querySelectorAll('input[name="select"]:checked').length;
  const text = n === 0 ? chosen.dataset.none : n === 1 ? chosen.dataset.single : chosen.dataset.many;
  chosen.textContent = text.replace("#", n.toLocaleString(document.documentElement.lang));
}

form.addEventListener("change", count);
count(); // a browser that came back has kept what was ticked
