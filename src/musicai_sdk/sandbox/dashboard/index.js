// Updates the first page, and switches faults on and off. The server renders the content.
const state = document.getElementById("state")
const filters = document.getElementById("filters")
const shown = new Map()

async function send(method, path, body) {
  const answer = await fetch(`/__sandbox__/${path}`, {
    method,
    headers: { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  })
  const content = await answer.json()
  if (!answer.ok) throw new Error(content.message)
  return content
}

function show(name, html) {
  if (shown.get(name) === html) return
  shown.set(name, html)
  const place = document.getElementById(name)
  const focused = place.contains(document.activeElement) ? document.activeElement.id : null
  place.innerHTML = html
  if (focused) document.getElementById(focused)?.focus()
}

async function refresh() {
  try {
    const query = new URLSearchParams(new FormData(filters))
    const { now, ...parts } = await (await fetch(`/__sandbox__/live?${query}`)).json()
    for (const [name, html] of Object.entries(parts)) show(name, html)
    state.textContent = `live · ${now.slice(0, 19).replace("T", " ")} UTC`
    state.className = ""
  } catch {
    state.textContent = "not running"
    state.className = "error"
  }
}

async function refreshForever() {
  if (!document.hidden) await refresh()
  setTimeout(refreshForever, 1000)
}

filters.addEventListener("change", () => {
  history.replaceState(null, "", `?${new URLSearchParams(new FormData(filters))}`)
  refresh()
})
filters.addEventListener("submit", (event) => event.preventDefault())

document.addEventListener("click", async ({ target }) => {
  const { text, fault, remove } = target.dataset ?? {}
  if (fault ?? remove) await send("DELETE", `faults/${fault ?? remove}`)
  else if (text) await send("POST", "faults", { text })
  else return
  await refresh()
})

document.getElementById("add-fault").addEventListener("submit", async (event) => {
  event.preventDefault()
  const refused = document.getElementById("refused")
  refused.textContent = ""
  try {
    await send("POST", "faults", { text: event.target.elements.text.value })
    event.target.reset()
  } catch (error) {
    refused.textContent = error.message
  }
  await refresh()
})

refreshForever()
