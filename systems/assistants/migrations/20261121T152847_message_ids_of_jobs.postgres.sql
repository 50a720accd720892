-- 20261121T152847_message_ids_of_jobs on PostgreSQL, frozen when it was made; made by "rootstock migrate new", not to be edited.
--@ operations 3569119ee94b87afc57f468098ec80cc4b4567d2cb1df8559d6b044766f3288d

--@ up

--@ step {"undo":true}
--@ statement
ALTER TABLE "job" ADD COLUMN "message_id" varchar(255) COLLATE "C";
--@ statement
ALTER TABLE "job_dead" ADD COLUMN "message_id" varchar(255) COLLATE "C";
--@ undo
ALTER TABLE "job_dead" DROP COLUMN "message_id";
--@ undo
ALTER TABLE "job" DROP COLUMN "message_id";

--@ down

--@ step
--@ statement
ALTER TABLE "job_dead" DROP COLUMN "message_id";
--@ statement
ALTER TABLE "job" DROP COLUMN "message_id";
