// Before the first paint: dark where the system is dark and the person chose nothing else.
const page = document.documentElement;
if (page.dataset.theme === "auto") {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => { page.dataset.bsTheme = dark.matches ? "dark" : "light"; };
  dark.addEventListener("change", follow);
  follow();
}
