// What the server is asked. A query is never sent: only which dashboard, when, and values of its variables.

async function get(path, signal) {
  const answer = await fetch(path, { signal, credentials: "same-origin" });
  if (answer.status === 401) location.reload(); // to where one logs in
  if (!answer.ok) throw new Error((await answer.text()).trim() || `${answer.status} ${answer.statusText}`);
  return answer;
}

// In the browser's language, or another.
export async function dashboards(language) {
  return (await get(`/api/dashboards${language ? `?lang=${language}` : ""}`)).json();
}

export async function viewer() {
  return (await get("/api/viewer")).json();
}

export async function dashboard(uid) {
  return (await get(`/api/dashboards/${encodeURIComponent(uid)}`)).json();
}

// Calls `heard` for every line of the answer as it comes.
export async function data(uid, query, signal, heard) {
  const answer = await get(`/api/dashboards/${encodeURIComponent(uid)}/data?${query}`, signal);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    const lines = (rest + (value ?? "")).split("\n");
    rest = lines.pop();
    lines.forEach((line) => heard(JSON.parse(line)));
    if (done) return;
  }
}
