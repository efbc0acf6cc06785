// The official Node client, unmodified: its README's quick start, and what else the README shows.
import MusicAi from "@music.ai/sdk"

const [song, folder] = process.argv.slice(2)

// As the README has it, but for the address.
const musicAi = new MusicAi({
  apiKey: process.env.MUSIC_AI_API_KEY,
  apiEndpoint: process.env.MUSIC_AI_BASE_URL,
  jobMonitorInterval: 100,
})

const songUrl = await musicAi.uploadFile(song)

const jobId = await musicAi.addJob({
  name: "My first job",
  workflow: "music-ai/generate-chords",
  params: {
    inputUrl: songUrl,
  }
})

const job = await musicAi.waitForJobCompletion(jobId)

if (job.status === "SUCCEEDED") {
  const files = await musicAi.downloadJobResults(job, `${folder}/chords`)
  console.log("Result:", files)
} else {
  console.log("Job failed!")
}

await musicAi.deleteJob(jobId)

// The rest of the README: custom storage, lists with filters, workflows, the application.
const targets = {}
for (const output of ["Kick drum", "Snare drum"]) {
  targets[output] = await musicAi.apiCall("GET", "/upload")
}
const drumsId = await musicAi.addJob({
  name: "job-1",
  workflow: "music-ai/isolate-drums",
  params: {
    inputUrl: songUrl,
  },
  metadata: { customer: "42" },
  copyResultsTo: {
    "Kick drum": targets["Kick drum"].uploadUrl,
    "Snare drum": targets["Snare drum"].uploadUrl,
  },
})
const drums = await musicAi.waitForJobCompletion(drumsId)
console.log("Custom storage:", drums.result["Kick drum"], drums.result["Snare drum"], drums.metadata)
for (const [output, urls] of Object.entries(targets)) {
  await musicAi.downloadFile(urls.downloadUrl, `${folder}/custom/${output}.wav`)
}
console.log("Downloads:", (await musicAi.downloadJobResults(drumsId, `${folder}/drums`)).result)

const filters = { status: ["QUEUED", "SUCCEEDED"], workflow: ["music-ai/isolate-drums"] }
console.log("Jobs:", (await musicAi.listJobs(filters)).map((job) => job.id === drumsId))
console.log("No jobs:", await musicAi.listJobs({ workflow: ["nobody/nothing"] }))
const { workflows } = await musicAi.listWorkflows({ page: 0, size: 100 })
console.log("Workflows:", workflows.map((workflow) => workflow.slug).includes("music-ai/generate-chords"))
console.log("Application:", (await musicAi.getApplicationInfo()).name)
try {
  await musicAi.addJob({ name: "job", workflow: "nobody/nothing", params: {} })
} catch (error) {
  console.log("Unknown workflow:", error.message)
}
await musicAi.deleteJob(drumsId)
console.log("Left:", await musicAi.listJobs())
