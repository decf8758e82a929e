/* style.c: the style sheet of a page: light, dark and print; nothing is wider than the window: what is (matrices,
 * tables) scrolls in a box of its own. Text has a contrast of at least 4.5 to its ground, lines of 3. */
#include "eval/page.h"

#define LIGHT                                                                                                          \
    "--bg:#fff;--fg:#1b1f24;--soft:#59636e;--line:#d5d9df;--card:#f5f6f8;--mark:11,87,196;--link:#0b57c4;"             \
    "--c0:#0067a8;--c1:#b45309;--c2:#047857;--c3:#c0392b;--c4:#a2428e;--c5:#6d5bd0;--c6:#7a6a00;--c7:#5f6b76;"         \
    "--c8:#8c4a2f;--c9:#c2185b"
#define DARK                                                                                                           \
    "--bg:#14171a;--fg:#e6e8ea;--soft:#a2abb5;--line:#3a4149;--card:#1e2226;--mark:88,166,255;--link:#79b8ff;"         \
    "--c0:#58a6ff;--c1:#f0a64b;--c2:#3ecf9a;--c3:#ff7b72;--c4:#e08fd0;--c5:#b3a4ff;--c6:#d6c64a;--c7:#a9b4bf;"         \
    "--c8:#d39a7d;--c9:#ff8fb8"

const char *const page_style[] = {
    /* ground and headline figures */

    ":root{color-scheme:light dark;" LIGHT "}@media screen and (prefers-color-scheme:dark){:root{" DARK "}}"
    "*{box-sizing:border-box}html{-webkit-text-size-adjust:100%;text-size-adjust:100%}body{margin:0 auto;"
    "max-width:66rem;padding:2rem 1.5rem 4rem;background:var(--bg);color:var(--fg);font:16px/1.5 system-ui,"
    "-apple-system,'Segoe UI',Roboto,sans-serif;overflow-wrap:anywhere}a{color:var(--link)}h1{font-size:1.9rem;"
    "line-height:1.2;margin:0}h2{font-size:1.35rem;line-height:1.3;margin:0 0 .8rem}h3{font-size:1.05rem;"
    "margin:2rem 0 .5rem}p{margin:.5rem 0;max-width:44rem}.over{color:var(--soft);margin:0 0 .2rem;font-size:.9rem}"
    ".soft{color:var(--soft);font-size:.9rem}section{margin-top:2.6rem;padding-top:1.4rem;"
    "border-top:1px solid var(--line)}section.front h2 a{color:inherit;text-decoration-color:var(--soft);"
    "text-underline-offset:.2em;text-decoration-thickness:1px}section.front{margin-top:1.4rem;padding-top:0;border:0}"
    "section.front h2{font-size:1.1rem;margin-bottom:.6rem}.cards,.facts{display:grid;gap:.75rem;margin:0}"
    ".cards{grid-template-columns:repeat(auto-fit,minmax(min(9.5rem,100%),1fr))}.card{background:var(--card);"
    "border-radius:.6rem;padding:.8rem 1rem}.card dt{color:var(--soft);font-size:.9rem}.card dd{margin:0;"
    "font-size:.9rem;color:var(--soft)}.card b{display:block;white-space:nowrap;font-size:1.9rem;line-height:1.25;"
    "font-weight:650;color:var(--fg);font-variant-numeric:tabular-nums}.facts{display:flex;flex-wrap:wrap;"
    "gap:.5rem 2.2rem;margin-top:1rem}.facts div{max-width:24rem;min-width:0}.facts dt{color:var(--soft);"
    "font-size:.85rem}.facts dd{margin:0}",
    /* tables */
    ".wide{overflow-x:auto;max-width:100%;margin:.6rem 0}.wide:focus-visible{outline:2px solid var(--link)}"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums}td,"
    "th{padding:.3rem .6rem;text-align:right;vertical-align:middle}th{font-weight:600;color:var(--soft)}"
    ".l{text-align:left}tbody tr+tr>*{border-top:1px solid var(--line)}"
    ".matrix tr>*{border:2px solid var(--bg)!important}.matrix tbody bdi{display:inline-block;max-width:7.5rem;"
    "overflow-wrap:break-word}.matrix tbody th,.matrix thead th:first-child{position:sticky;left:0;"
    "background:var(--bg);text-align:left;max-width:9rem}.matrix thead th{vertical-align:bottom;text-align:center}"
    ".matrix .up{writing-mode:vertical-rl;transform:rotate(180deg);max-height:9rem;max-width:none;"
    "display:inline-block}.cell{min-width:2.6rem;text-align:center}.zero{color:var(--soft)}.bars{width:100%;"
    "max-width:44rem;table-layout:fixed}.bars th:first-child{width:30%}.bars td:last-child{width:9.5rem;"
    "text-align:left;font-size:.9rem}.bar{position:relative;height:.95rem;background:var(--card);border-radius:.2rem}"
    ".bar i{position:absolute;left:0;top:0;bottom:0;background:rgba(var(--mark),.6);border-radius:.2rem}"
    ".bar u{position:absolute;top:calc(50% - 1px);height:2px;background:var(--fg)}.ranks td{white-space:nowrap}"
    ".ranks tbody th{min-width:7rem}"
    ".config{font-size:.9rem}.config td,.config th{vertical-align:top}.config th{font-weight:400}",
    /* charts, faces */
    ".charts{display:grid;gap:1.2rem;grid-template-columns:repeat(auto-fit,minmax(min(17.5rem,100%),1fr))}"
    "figure{margin:0;max-width:34rem}figcaption{color:var(--soft);font-size:.9rem;margin-top:.3rem}svg{display:block;"
    "width:100%;height:auto;background:var(--card);border-radius:.6rem}svg text{fill:var(--soft);font-size:11px}"
    ".axis{stroke:var(--line);fill:none}.curve{fill:none;stroke-width:1.7;stroke-linejoin:round}"
    ".k1{stroke-dasharray:6 3}.k2{stroke-dasharray:2 2.5}.key{display:inline-block;white-space:nowrap;"
    "margin-right:.9rem;max-width:100%;overflow:hidden;text-overflow:ellipsis;vertical-align:bottom}"
    ".key svg{display:inline-block;width:1.5rem;height:.8rem;background:none;vertical-align:middle;"
    "margin-right:.3rem}.dot svg{width:.8rem}.keys{margin-top:.3rem}.mark{fill-opacity:.8;stroke-width:1.6}"
    ".miss{fill:none!important}.faces{display:grid;gap:.9rem;grid-template-columns:repeat(auto-fill,minmax(min(19rem,"
    "100%),1fr));padding:0;margin:.8rem 0;list-style:none}.face{display:flex;gap:.9rem;background:var(--card);"
    "border-radius:.6rem;padding:.7rem;min-width:0}.face>div{min-width:0;flex:1}.face p{margin:0 0 .2rem}"
    ".face ol{margin:.3rem 0 0;padding-left:1.3rem;font-size:.95rem}.face li.hit{font-weight:400}.face img,"
    ".none{flex:none;width:96px;height:96px;object-fit:contain;border-radius:.4rem}.none{display:flex;"
    "align-items:center;justify-content:center;text-align:center;border:1px dashed var(--line);color:var(--soft);"
    "font-size:.8rem}.texts{grid-template-columns:repeat(auto-fill,minmax(min(28rem,100%),1fr))}.score{display:flex;"
    "gap:.5rem;justify-content:space-between;font-variant-numeric:tabular-nums}.score span{min-width:0}"
    ".hit{color:var(--link);font-weight:600}.path{font-size:.8rem}details{margin-top:1.4rem}summary{cursor:pointer;"
    "color:var(--link)}@media(max-width:40rem){body{padding:1.2rem 1rem 3rem}h1{font-size:1.5rem}"
    ".card{padding:.6rem .65rem}.card b{font-size:1.3rem}.cards{grid-template-columns:repeat(auto-fit,"
    "minmax(min(6.4rem,100%),1fr));gap:.5rem}.facts{display:block}.facts div{display:flex;gap:.6rem;max-width:none}"
    ".facts dt{flex:0 0 6.5rem}.facts dd{min-width:0}.card dt,.card dd{font-size:.82rem}"

    ".matrix .flat{writing-mode:vertical-rl;transform:rotate(180deg);max-height:9rem;display:inline-block}td,"
    "th{padding:.3rem .4rem}.matrix .cell{min-width:1.7rem;padding:.3rem .1rem}"
    ".matrix thead th+th{padding:.3rem .1rem}.wide bdi{max-width:8rem}"
    ".bars td:last-child{width:4rem}.bars .soft{display:none}"
    ".texts .face{flex-direction:column}.config,.config tbody,.config tr,.config td,.config th{display:block;"
    "padding:0}.config tr{padding:.35rem 0}}@media print{body{max-width:none;padding:0;font-size:11pt}"
    ".wide{overflow:visible}figure,.card,.face,.facts div,tr{break-inside:avoid}h2,h3{break-after:avoid}"
    "*{-webkit-print-color-adjust:exact;print-color-adjust:exact}a{color:inherit;text-decoration:none}}",
    NULL};
