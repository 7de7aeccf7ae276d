export const part = "here";
