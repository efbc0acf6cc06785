// The published Node client: `node js.mjs CASE ORIGIN COUNT FILE URL` prints its figures as JSON, as measure.py does.
import { readFileSync } from "node:fs"

const [name, origin, count, file, url] = process.argv.slice(2)
const key = "27803abe-ec15-4f74-9e8a-18a99627e9b0"
const job = "27803abe"

const connect = async () => {
  const { default: MusicAi } = await import("@music.ai/sdk")
  return new MusicAi({ apiKey: key, apiEndpoint: `${origin}/v1` })
}

const cases = {
  import: () => connect,
  "first job": () => async () => (await connect()).getJob(job),
  get: (client) => async () => {
    for (let number = 0; number < count; number++) await client.getJob(job)
  },
  "get at once": (client) => async () => {
    const some = async () => {
      for (let number = 0; number < count / 16; number++) await client.getJob(job)
    }
    await Promise.all(Array.from({ length: 16 }, some))
  },
  upload: (client) => () => client.uploadFile(file),
  download: (client) => () => client.downloadFile(url, file),
}

const peakMemory = () => {
  try {
    return 1024 * Number(readFileSync("/proc/self/status", "utf8").match(/VmHWM:\s+(\d+) kB/)[1])
  } catch {
    return null
  }
}

let client
if (name !== "import" && name !== "first job") {
  client = await connect()
  await client.getJob(job)
}
const work = cases[name](client)
const memory = peakMemory()
const cpu = process.cpuUsage()
const wall = performance.now()
await work()
const used = process.cpuUsage(cpu)
const figures = {
  wall: (performance.now() - wall) / 1e3,
  cpu: (used.user + used.system) / 1e6,
  memory: memory === null ? null : peakMemory() - memory,
}
console.log(JSON.stringify(figures))
