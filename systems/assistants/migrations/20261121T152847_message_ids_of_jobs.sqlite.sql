-- 20261121T152847_message_ids_of_jobs on SQLite, frozen when it was made; made by "rootstock migrate new", not to be edited.
--@ operations 3569119ee94b87afc57f468098ec80cc4b4567d2cb1df8559d6b044766f3288d

--@ up

--@ step
--@ statement
ALTER TABLE "job" ADD COLUMN "message_id" TEXT CONSTRAINT "job_message_id_type" CHECK (length("message_id") <= 255);

--@ step
--@ statement
ALTER TABLE "job_dead" ADD COLUMN "message_id" TEXT CONSTRAINT "job_dead_message_id_type" CHECK (length("message_id") <= 255);

--@ down

--@ step
--@ statement
ALTER TABLE "job_dead" DROP CONSTRAINT "job_dead_message_id_type";

--@ step
--@ statement
ALTER TABLE "job_dead" DROP COLUMN "message_id";

--@ step
--@ statement
ALTER TABLE "job" DROP CONSTRAINT "job_message_id_type";

--@ step
--@ statement
ALTER TABLE "job" DROP COLUMN "message_id";
