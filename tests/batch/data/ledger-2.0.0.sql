BEGIN TRANSACTION;
CREATE TABLE folders (folded TEXT PRIMARY KEY, track TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "folders" VALUES('a','aacdd6c19d9c4a209f0b5cf6db0111f7');
INSERT INTO "folders" VALUES('a (2)','56ceafbc0f44d728594981404289b2bb');
INSERT INTO "folders" VALUES('b','d34ed7fa581d002089abe37f2536ca10');
INSERT INTO "folders" VALUES('c','756aa5d76820cf633f3d2f819519fc5c');
CREATE TABLE inputs (
    source TEXT NOT NULL, params TEXT NOT NULL, url TEXT, folder TEXT NOT NULL, folded TEXT NOT NULL UNIQUE,
    size INTEGER, mtime_ns INTEGER, content TEXT, sample TEXT, track TEXT, PRIMARY KEY (source, params)
) WITHOUT ROWID;
INSERT INTO "inputs" VALUES('http://127.0.0.1:18765/a.wav','{}','http://127.0.0.1:18765/a.wav?serial=1&signature=old','a','a',NULL,NULL,'url:http://127.0.0.1:18765/a.wav','1c7dea93f9b0856b','aacdd6c19d9c4a209f0b5cf6db0111f7');
INSERT INTO "inputs" VALUES('http://127.0.0.1:18765/a.wav?id=1+x','{}','http://127.0.0.1:18765/a.wav?id=1%20x&Expires=1&Signature=old&Key-Pair-Id=k','a (2)','a (2)',NULL,NULL,'url:http://127.0.0.1:18765/a.wav?id=1+x','92318ebeb485f339','56ceafbc0f44d728594981404289b2bb');
INSERT INTO "inputs" VALUES('http://127.0.0.1:18765/b.wav','{}','http://127.0.0.1:18765/b.wav#track=1','b','b',NULL,NULL,'url:http://127.0.0.1:18765/b.wav','3dc6aee1e9479297','d34ed7fa581d002089abe37f2536ca10');
INSERT INTO "inputs" VALUES('http://127.0.0.1:18765/c.wav','{}','http://127.0.0.1:18765/c.wav?Expires=1&Serial=1&Signature=old','c','c',NULL,NULL,'url:http://127.0.0.1:18765/c.wav','c92474e41428d50c','756aa5d76820cf633f3d2f819519fc5c');
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "meta" VALUES('bucket','');
INSERT INTO "meta" VALUES('id','97b22f2bb05c46e28f6d1288945ff005');
INSERT INTO "meta" VALUES('input','file');
INSERT INTO "meta" VALUES('out','.');
INSERT INTO "meta" VALUES('workflow','sdk-test');
CREATE TABLE outputs (
    track TEXT NOT NULL, name TEXT NOT NULL, path TEXT NOT NULL, size INTEGER NOT NULL, sha256 TEXT,
    PRIMARY KEY (track, name)
) WITHOUT ROWID;
INSERT INTO "outputs" VALUES('56ceafbc0f44d728594981404289b2bb','','a (2)/workflow.results.json',27,'f89f02b64d22b3b192aaa6bc795cced49bcc821ed2e903f6f9a16d072d6321e5');
INSERT INTO "outputs" VALUES('56ceafbc0f44d728594981404289b2bb','file','a (2)/file.wav',14,'1afa3fe80c7a161838da481ff994874ff7cc5f2273769c12efeda9b360235a9c');
INSERT INTO "outputs" VALUES('756aa5d76820cf633f3d2f819519fc5c','','c/workflow.results.json',27,'f89f02b64d22b3b192aaa6bc795cced49bcc821ed2e903f6f9a16d072d6321e5');
INSERT INTO "outputs" VALUES('756aa5d76820cf633f3d2f819519fc5c','file','c/file.wav',14,'fdf6af195625c1fe0acaf796776dca83737ce5a432a50fcd313856424fb25a1d');
INSERT INTO "outputs" VALUES('aacdd6c19d9c4a209f0b5cf6db0111f7','','a/workflow.results.json',27,'f89f02b64d22b3b192aaa6bc795cced49bcc821ed2e903f6f9a16d072d6321e5');
INSERT INTO "outputs" VALUES('aacdd6c19d9c4a209f0b5cf6db0111f7','file','a/file.wav',14,'1afa3fe80c7a161838da481ff994874ff7cc5f2273769c12efeda9b360235a9c');
INSERT INTO "outputs" VALUES('d34ed7fa581d002089abe37f2536ca10','','b/workflow.results.json',27,'f89f02b64d22b3b192aaa6bc795cced49bcc821ed2e903f6f9a16d072d6321e5');
INSERT INTO "outputs" VALUES('d34ed7fa581d002089abe37f2536ca10','file','b/file.wav',14,'fcc49fad4058e7e925c88ab7ad28551bd67c834044c932ac4577f8e5dba22628');
CREATE TABLE queue (source TEXT NOT NULL, params TEXT NOT NULL, url TEXT, folder TEXT NOT NULL);
CREATE TABLE rejected (source TEXT NOT NULL, reason TEXT NOT NULL);
CREATE TABLE tracks (key, state, source, content, params, folder, sample, size, url, idempotency_key, job_id, attempts, resume_at, error_code, error_message, bytes_downloaded, seen_at, uploaded_at, creating_at, created_at, finished_at, downloaded_at, verified_at, ended_at, PRIMARY KEY (key));
INSERT INTO "tracks" VALUES('aacdd6c19d9c4a209f0b5cf6db0111f7','deleted','http://127.0.0.1:18765/a.wav','url:http://127.0.0.1:18765/a.wav','{}','a','1c7dea93f9b0856b',NULL,'http://127.0.0.1:18765/a.wav?serial=1&signature=old','4f5bcbbf-0e5d-472d-92ee-e92176ce8054','18764a86-f8be-48cb-b471-27909bfc540c',0,NULL,NULL,NULL,41,1.79585170736065793039e+09,NULL,1.79585170736198115352e+09,1.79585170739693284033e+09,1.79585170763979387283e+09,1.79585170772423934936e+09,1.7958517077319381237e+09,1.79585170773627567294e+09);
INSERT INTO "tracks" VALUES('d34ed7fa581d002089abe37f2536ca10','deleted','http://127.0.0.1:18765/b.wav','url:http://127.0.0.1:18765/b.wav','{}','b','3dc6aee1e9479297',NULL,'http://127.0.0.1:18765/b.wav#track=1','89ec9d8f-4dba-4a47-ad07-4f0dcce910ba','5dda6d7a-be35-4022-bf30-2d3ddf87c6ed',0,NULL,NULL,NULL,41,1.79585170736074495314e+09,NULL,1.79585170736237192154e+09,1.79585170742466259004e+09,1.79585170763993191714e+09,1.79585170772753930095e+09,1.79585170773702836035e+09,1.79585170774747419353e+09);
INSERT INTO "tracks" VALUES('756aa5d76820cf633f3d2f819519fc5c','deleted','http://127.0.0.1:18765/c.wav','url:http://127.0.0.1:18765/c.wav','{}','c','c92474e41428d50c',NULL,'http://127.0.0.1:18765/c.wav?Expires=1&Serial=1&Signature=old','6e15ded7-95fa-4df7-8020-8ab785706c0e','4beab19c-4a97-49f6-ac67-213f32867e1f',0,NULL,NULL,NULL,41,1.79585170736078619953e+09,NULL,1795851707.36248,1.79585170742558383944e+09,1.79585170763990569116e+09,1.7958517077274959087e+09,1.79585170773639249798e+09,1.79585170774004101749e+09);
INSERT INTO "tracks" VALUES('56ceafbc0f44d728594981404289b2bb','deleted','http://127.0.0.1:18765/a.wav?id=1+x','url:http://127.0.0.1:18765/a.wav?id=1+x','{}','a (2)','92318ebeb485f339',NULL,'http://127.0.0.1:18765/a.wav?id=1%20x&Expires=1&Signature=old&Key-Pair-Id=k','21ceca4e-5284-4765-be47-19762f5f9bef','317b64c2-c355-4c73-9e78-8e06b295fd8e',0,NULL,NULL,NULL,41,1.79585170736082434654e+09,NULL,1.79585170736252117164e+09,1.79585170743167853351e+09,1795851707.63988,1.79585170772856163971e+09,1.79585170773764300341e+09,1.79585170774846410754e+09);
CREATE INDEX tracks_by_state ON tracks (state);
CREATE INDEX tracks_by_sample ON tracks (sample);
CREATE INDEX inputs_by_track ON inputs (track);
COMMIT;
PRAGMA application_id = 1297301833;
PRAGMA user_version = 2;
